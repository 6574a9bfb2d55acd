#pragma once

/// @file
/// What a sweep's runs have come to, as numbers, and the tables of them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/run/evaluation.h"
#include "genkidama/run/sweep.h"

namespace genkidama::run {

/// A checkpoint of a finished run: a row of results.csv.
struct CheckpointResult {
  std::uint64_t update = 0;
  std::uint64_t environment_steps = 0;
  std::optional<double> wall_seconds;  ///< nothing when the metrics have no row of the update
  bool is_final = false;
  std::optional<EvaluationStatistics> statistics;  ///< nothing when it was not evaluated
};

/// A finished run.
struct RunResult {
  SweepRun run;
  std::vector<std::string> values = {};  ///< of the options that vary, for the tables
  bool greedy = false;                   ///< how it would be evaluated
  std::vector<CheckpointResult> checkpoints;
  std::vector<double> final_returns;  ///< of the last weights' episodes
  double wall_seconds = 0;            ///< that its training took
  double steps_per_second = 0;        ///< in training

  /// Of the last weights' episodes.
  std::optional<double> final_mean() const;
};

/// Whether an evaluation covers just the checkpoints that there are.
bool covers_checkpoints(const SweepRun& run);
/// Whether it was made in this way too.
bool is_evaluated(const SweepRun& run, const EvaluationRequest& request);

/// Tells whether SweepRun::evaluations() was written between two looks at it.
struct EvaluationMark {
  std::uint64_t file = 0;
  std::int64_t bytes = 0, seconds = 0, nanoseconds = 0;
  bool operator==(const EvaluationMark&) const = default;
};
EvaluationMark evaluation_mark(const SweepRun& run);

/// Reads a finished run's files. One that was not evaluated has one checkpoint, without statistics. `values`
/// are left empty.
RunResult result_of(const SweepRun& run, bool greedy);

/// results.csv and final_returns.csv in the sweep's directory, replaced whole; `options` are those that vary.
/// Throws IoError.
void write_results(const std::filesystem::path& sweep, const std::vector<std::string>& options,
                   const std::vector<RunResult>& results);

std::filesystem::path results_in(const std::filesystem::path& sweep);

std::vector<SettingStatistics> statistics_by_setting(const std::vector<RunResult>& results);

}  // namespace genkidama::run
