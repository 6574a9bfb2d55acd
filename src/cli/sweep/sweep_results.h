#pragma once

/// @file
/// What a sweep's runs have come to, read from their directories.

#include <optional>
#include <string>
#include <vector>

#include "cli/sweep/sweep_plan.h"
#include "run/metrics/csv_table.h"

namespace genkidama::cli {

/// A finished run in the sweep's tables.
struct RunResult {
  std::string setting;
  std::vector<run::CsvRow> rows;     ///< of results.csv, one per checkpoint
  run::CsvRow returns;               ///< of final_returns.csv; empty when it was not evaluated
  std::optional<double> final_mean;  ///< of the last weights' episodes
  double wall_seconds = 0;           ///< that its training took
};

/// The header of results.csv: `options` are those that vary.
run::CsvRow result_columns(const std::vector<std::string>& options);

/// Reads a finished run's files. One that was not evaluated has one row, without statistics.
RunResult result_of(const SweepRun& run, const std::vector<std::string>& options,
                    const std::vector<OptionRow>& table);

/// results.csv and final_returns.csv, replaced whole. Throws IoError.
void write_results(const SweepDirectory& directory, const std::vector<std::string>& options,
                   const std::vector<RunResult>& results);

/// For people: a line per setting with mean, standard deviation and extremes of its seeds' final means.
std::string settings_table(const std::vector<RunResult>& results);

}  // namespace genkidama::cli
