#pragma once

/// @file
/// What a run leaves behind grows with the logarithm of its length: a run of months on an SD card must not
/// fill it.

#include <cstdint>

#include "genkidama/run/run_options.h"

namespace genkidama::run {

/// Rows of the metrics, and checkpoints, that are all kept.
inline constexpr std::uint64_t kRowsOfAllUpdates = 10'000;
inline constexpr std::uint64_t kCheckpointsOfAll = 1'000;

/// Of how many things one is kept when `count` have been: 1 up to `all`, then 10 up to ten times as many, and
/// so on.
std::uint64_t thinning(std::uint64_t count, std::uint64_t all);

/// Whether the policy after this update is kept as a checkpoint of its own.
bool is_policy_kept(const RunOptions& options, std::uint64_t update);

/// Whether the metrics get a row of this update: that of a kept policy always; of the others every update at
/// first, then a sample of them that follows from the update's number but not at equal distances, so that it
/// does not fall on the same Child of several each time.
bool is_row_kept(const RunOptions& options, std::uint64_t update);

}  // namespace genkidama::run
