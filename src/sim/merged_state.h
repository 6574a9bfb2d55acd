#pragma once

// A middle Parent in virtual time as its exchange with the Parent above sees it.

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/local_trainer.h"
#include "sim/virtual_parent.h"

namespace genkidama::sim {

/// What MergedTrainer is to a Parent: weights that are written take the place of those that were read, and
/// what was merged meanwhile is kept.
class MergedState final : public LocalTrainer {
 public:
  /// Both outlive it.
  MergedState(const ParameterLayout& layout, VirtualParent& parent) : layout_(layout), parent_(parent) {
    const auto weights = parent.state().current();
    known_.assign(weights.begin(), weights.end());
  }

  const ParameterLayout& layout() const override { return layout_; }
  /// Nobody calls it: the machines below train.
  RoundReport train_round() override { throw Error("a simulated Parent does not train"); }
  void read_weights(std::span<float> out) const override {
    const auto weights = std::as_const(parent_).state().current();
    known_.assign(weights.begin(), weights.end());
    std::copy(known_.begin(), known_.end(), out.begin());
  }
  void write_weights(std::span<const float> in) override {
    parent_.state().change(known_, in);
    known_.assign(in.begin(), in.end());
  }
  std::size_t statistics_components() const override { return parent_.state().statistics_components(); }
  NumberedStatistics own_statistics() const override {
    return {kStreamBelow, parent_.state().statistics().all_but(kStreamAbove)};
  }
  void write_other_statistics(const RunningStatistics& others) override {
    parent_.state().set_statistics(kStreamAbove, others);
  }

 private:
  // Beyond those of machines.
  static constexpr std::uint64_t kStreamAbove = std::uint64_t{1} << 52, kStreamBelow = kStreamAbove + 1;

  const ParameterLayout& layout_;
  VirtualParent& parent_;
  mutable std::vector<float> known_;
};

}  // namespace genkidama::sim
