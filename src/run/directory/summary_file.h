#pragma once

/// @file
/// summary.json: what a run came to, for programs.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genkidama/run/run_options.h"
#include "genkidama/run/run_totals.h"
#include "run/directory/run_directory.h"

namespace genkidama::run {

/// What every run's summary holds. `environment`: EnvironmentSpec::name.
nlohmann::ordered_json summary_of(const RunOptions& options, const std::string& environment,
                                  const RunTotals& totals, const std::string& ended_by);

/// Whether it was written; a failure is logged.
bool write_summary(const std::filesystem::path& file, const nlohmann::ordered_json& summary);

/// The summary of the run in a directory; an empty object where it is missing or damaged.
nlohmann::ordered_json read_summary(const RunDirectory& directory);

}  // namespace genkidama::run
