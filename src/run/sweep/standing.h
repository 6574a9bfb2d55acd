#pragma once

/// @file
/// How far a run of a sweep has come, as its directory tells.

#include <cstdint>
#include <optional>

#include "genkidama/core/export.h"
#include "genkidama/run/sweep.h"
#include "run/directory/run_directory.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

enum class RunStanding {
  kNew,       ///< nothing is there
  kDead,      ///< it ended before it had anything to go on from
  kStopped,   ///< can be resumed
  kFinished,  ///< it ended by itself
};

RunStanding standing_of(const RunDirectory& directory);

/// The same of a run that is trained to so many steps at this time: one that ended before is not finished.
/// Empty: to the end that its options have.
RunStanding standing_of(const RunDirectory& directory, std::optional<std::uint64_t> max_steps);

/// The environment steps that the run in the directory has taken, as far as its files tell.
std::uint64_t steps_taken(const RunDirectory& directory);

/// The last row of a run's metrics.
struct LatestMetrics {
  std::uint64_t updates = 0;
  std::uint64_t environment_steps = 0;
  double steps_per_second = 0;
  std::optional<double> mean_return;  ///< of the last update; nothing when no episode ended in it
};

/// Nothing before the first row.
std::optional<LatestMetrics> latest_metrics(const RunDirectory& directory);

/// Throws ArgumentError when the directory holds something that is no run, or an unfinished one that a
/// process is at work on.
void check_usable(const RunDirectory& directory);

}  // namespace run
}  // namespace genkidama
