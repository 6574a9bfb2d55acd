#pragma once

/// @file
/// The lengths to which successive halving trains.

#include <cstdint>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// The environment steps of each rung, the shortest first: min_steps, `reduction` times as many, and so on as
/// long as that is less than max_steps, which is the last. `min_steps` 0 stands for max_steps / reduction^3,
/// rounded up. Throws ArgumentError unless 1 <= min_steps <= max_steps and reduction >= 2.
std::vector<std::uint64_t> rungs_of(std::uint64_t min_steps, std::uint64_t max_steps,
                                    std::uint64_t reduction);

/// What `trials` trials would take if each rung's best 1/reduction were known when they are promoted: the
/// steps of one run of each trial.
std::uint64_t steps_of_halving(const std::vector<std::uint64_t>& rungs, std::uint64_t reduction,
                               std::uint64_t trials);

}  // namespace run
}  // namespace genkidama
