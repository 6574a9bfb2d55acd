#pragma once

// A middle Parent in virtual time as its exchange with the Parent above sees it.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "net/upper_parent/merged_weights.h"
#include "sim/virtual_parent.h"

namespace genkidama::sim {

class MergedState final : public MergedWeights {
 public:
  /// Both outlive it.
  MergedState(const ParameterLayout& layout, VirtualParent& parent)
      : MergedWeights(kStreamAbove, kStreamAbove + 1), layout_(layout), parent_(parent) {
    begin();
  }

  const ParameterLayout& layout() const override { return layout_; }
  std::size_t statistics_components() const override { return parent_.state().statistics_components(); }

 private:
  // Beyond those of machines.
  static constexpr std::uint64_t kStreamAbove = std::uint64_t{1} << 52;

  std::vector<float> present() const override {
    const auto weights = std::as_const(parent_).state().current();
    return {weights.begin(), weights.end()};
  }
  void change(std::span<const float> from, std::span<const float> to) override {
    parent_.state().change(from, to);
  }
  StreamStatistics statistics() const override { return parent_.state().statistics(); }
  void set_statistics(std::uint64_t stream, const RunningStatistics& statistics) override {
    parent_.state().set_statistics(stream, statistics);
  }

  const ParameterLayout& layout_;
  VirtualParent& parent_;
};

}  // namespace genkidama::sim
