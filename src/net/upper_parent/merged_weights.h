#pragma once

// A Parent as its exchange with the Parent above sees it: something that has weights, and gets better.

#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/params/local_trainer.h"
#include "genkidama/params/played.h"
#include "genkidama/params/running_statistics.h"

namespace genkidama {

/// What was merged since the last exchange.
struct MergedBelow {
  std::uint64_t merges = 0;
  Played played;
  double return_sum = 0;  ///< over the episodes in `played`

  void add(const Played& more, double mean_return) {
    played += more;
    return_sum += mean_return * static_cast<double>(more.episodes);
  }
  /// 0 without episodes.
  double mean_return() const {
    return played.episodes > 0 ? return_sum / static_cast<double>(played.episodes) : 0;
  }
};

/// Weights that are read are those of that moment; what is written takes the place of what was read, and the
/// Parent's merges since then are kept. For the thread of the exchange.
class MergedWeights : public LocalTrainer {
 public:
  /// Nobody calls it: the Parent's Children train.
  RoundReport train_round() override;
  void read_weights(std::span<float> out) const override;
  void write_weights(std::span<const float> in) override;
  NumberedStatistics own_statistics() const override;
  void write_other_statistics(const RunningStatistics& others) override;

 protected:
  /// The streams of statistics: what comes from above must not go up again.
  MergedWeights(std::uint64_t stream_above, std::uint64_t stream_below)
      : stream_above_(stream_above), stream_below_(stream_below) {}
  /// As of now; what is known before the first read_weights(). At the end of the constructor.
  void begin() { known_ = present(); }

 private:
  virtual std::vector<float> present() const = 0;
  virtual void change(std::span<const float> from, std::span<const float> to) = 0;
  virtual StreamStatistics statistics() const = 0;
  virtual void set_statistics(std::uint64_t stream, const RunningStatistics& statistics) = 0;

  const std::uint64_t stream_above_, stream_below_;
  mutable std::vector<float> known_;  ///< the weights that the exchange takes for the present ones
};

}  // namespace genkidama
