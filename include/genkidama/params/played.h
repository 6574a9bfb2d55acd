#pragma once

/// @file
/// How much was played, in every place that counts it.

#include <cstdint>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Environment steps, and the episodes that ended in them. Each field of this type says by its name since
/// when it counts:
///
/// | name | counts |
/// |---|---|
/// | `in_round` | in one round of training, all workers together |
/// | `so_far` | since the present round or evaluation began |
/// | `in_process` | since the object that has the field was made in this process |
/// | `in_run` | since the run began, with all the processes that it was resumed from; at a Parent, all
/// Children | | `since_merge` | of one Child, since its weights were last merged | | `since_child_began` | of
/// one Child, since it began, with all the processes that it was resumed from |
struct Played {
  std::uint64_t steps = 0;     ///< environment steps
  std::uint64_t episodes = 0;  ///< episodes that have ended

  Played& operator+=(const Played& more) {  ///< adds both counts
    steps += more.steps;
    episodes += more.episodes;
    return *this;
  }
  friend Played operator+(Played left, const Played& right) { return left += right; }  ///< the sums
  friend bool operator==(const Played&, const Played&) = default;  ///< both counts are equal
};

}  // namespace genkidama
