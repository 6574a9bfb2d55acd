#pragma once

// What workers know of the weights that servers write, in shared memory.

#include <array>
#include <atomic>
#include <cstdint>

#include "genkidama/params/weight_shards.h"

namespace genkidama {

/// Servers write it, each the steps of its own slice; where the weights live at shards, the one server all.
struct WeightVersions {
  /// Optimizer steps that each slice of the shared weights has seen, in the order of the slices. Written
  /// after the weights and read before them, so that a gradient's weights are never taken for younger than
  /// they are.
  std::array<std::atomic<std::uint64_t>, kMostShards> steps{};
  /// Weights at shards: one more than the number of the round for which the newest weights were written.
  std::atomic<std::uint64_t> written_for{0};
};

}  // namespace genkidama
