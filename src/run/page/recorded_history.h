#pragma once

/// @file
/// The curves of a run that an earlier process has begun, from its tables.

#include <filesystem>
#include <vector>

#include "run/page/run_history.h"

namespace genkidama::run {

/// An evaluation on the page.
struct EvaluationPoint {
  double steps = 0;
  double mean = 0, low = 0, high = 0;  ///< of the returns of its episodes
};

/// Adds the rows of a metrics.csv, of whatever kind of run, as far as they can be read.
void add_recorded(const std::filesystem::path& metrics, RunHistory& history);

/// The rows of an evaluations.csv; of a long run the last `most`.
std::vector<EvaluationPoint> recorded_evaluations(const std::filesystem::path& evaluations, std::size_t most);

}  // namespace genkidama::run
