#pragma once

// A Parent as its upper Parent's exchange sees it: something that has weights, and gets better.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/parent.h"
#include "genkidama/params/local_trainer.h"

namespace genkidama {

/// What was merged since the last exchange.
struct MergedBelow {
  std::uint64_t merges = 0;
  Played played;
  double return_sum = 0;  ///< over the episodes in `played`

  /// 0 without episodes.
  double mean_return() const {
    return played.episodes > 0 ? return_sum / static_cast<double>(played.episodes) : 0;
  }
};

/// Weights that are read are those of that moment; what is written takes the place of what was read, and the
/// Parent's merges since then are kept. The exchange's thread calls all but merged() and wake().
class MergedTrainer final : public LocalTrainer {
 public:
  explicit MergedTrainer(Parent& parent);

  const ParameterLayout& layout() const override { return parent_.layout(); }
  PolicyDescription policy_description() const override { return parent_.options().policy; }
  /// Nobody calls it: the Parent's Children train.
  RoundReport train_round() override;
  void read_weights(std::span<float> out) const override;
  void write_weights(std::span<const float> in) override;
  std::size_t statistics_components() const override { return parent_.options().statistics.components(); }
  NumberedStatistics own_statistics() const override;
  void write_other_statistics(const RunningStatistics& others) override;

  /// Counts a merge. On the Parent's thread.
  void merged(const ParentUpdate& update);
  /// Ends the present wait, and each later one at once.
  void wake();
  /// Waits up to `span` until so many merges were counted, and takes what there is. Nothing when there are
  /// fewer and nobody has called wake(), or when there are none.
  std::optional<MergedBelow> take(std::uint64_t merges, Milliseconds span);

 private:
  Parent& parent_;
  // Of the statistics: what comes from above must not go up again. They follow from the run, so that a later
  // process of it finds what an earlier one has written.
  const std::uint64_t stream_above_, stream_below_;
  mutable std::vector<float> known_;  ///< the weights that the exchange takes for the present ones

  std::mutex mutex_;
  std::condition_variable changed_;
  MergedBelow open_;
  bool awake_ = false;
};

}  // namespace genkidama
