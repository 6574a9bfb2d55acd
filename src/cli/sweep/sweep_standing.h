#pragma once

/// @file
/// How far a run of a sweep has come, as its directory tells.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/sweep/sweep_plan.h"

namespace genkidama::cli {

enum class RunStanding {
  kNew,       ///< nothing is there
  kDead,      ///< it ended before it had anything to go on from
  kStopped,   ///< can be resumed
  kFinished,  ///< it ended by itself
};

RunStanding standing_of(const run::RunDirectory& directory);

/// What a run has last put into its metrics.
struct RunProgress {
  std::uint64_t updates = 0;
  std::uint64_t environment_steps = 0;
  double steps_per_second = 0;
  std::optional<double> mean_return;  ///< of the last update; nothing when no episode ended in it
};

/// Nothing before the first row.
std::optional<RunProgress> progress_of(const run::RunDirectory& directory);

/// summary.json, or an empty object when there is none that can be read.
nlohmann::json summary_of(const run::RunDirectory& directory);

/// Throws ArgumentError when the directory holds a run with other options than the sweep's, naming the first
/// that differs, or one that a process is at work on, or something that is no run. How runs are evaluated
/// does not matter unless it decides when they end.
void check_agrees(const SweepRun& run, const Job& job);

/// Renames a dead run's directory, so that nothing is lost. Throws IoError.
void move_aside(const run::RunDirectory& directory);

}  // namespace genkidama::cli
