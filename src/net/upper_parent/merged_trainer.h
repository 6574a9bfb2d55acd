#pragma once

// A real Parent's weights, and the merges that its exchange with the upper Parent waits for.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/parent.h"
#include "net/upper_parent/merged_weights.h"

namespace genkidama {

/// The exchange's thread calls all but merged() and wake().
class MergedTrainer final : public MergedWeights {
 public:
  explicit MergedTrainer(Parent& parent);

  const ParameterLayout& layout() const override { return parent_.layout(); }
  PolicyDescription policy_description() const override { return parent_.options().policy; }
  std::size_t statistics_components() const override { return parent_.options().statistics.components(); }

  /// Counts a merge. On the Parent's thread.
  void merged(const ParentUpdate& update);
  /// Ends the present wait, and each later one at once.
  void wake();
  /// Waits up to `span` until so many merges were counted, and takes what there is. Nothing when there are
  /// fewer and nobody has called wake(), or when there are none.
  std::optional<MergedBelow> take(std::uint64_t merges, Milliseconds span);

 private:
  std::vector<float> present() const override { return parent_.weights(); }
  /// A Parent that has ended needs no weights any more.
  void change(std::span<const float> from, std::span<const float> to) override {
    parent_.change_weights(from, to);
  }
  StreamStatistics statistics() const override { return parent_.statistics(); }
  void set_statistics(std::uint64_t stream, const RunningStatistics& statistics) override {
    parent_.write_statistics(stream, statistics);
  }

  Parent& parent_;

  std::mutex mutex_;
  std::condition_variable changed_;
  MergedBelow open_;
  bool awake_ = false;
};

}  // namespace genkidama
