#pragma once

/// @file
/// Evaluations for people.

#include <string>
#include <vector>

#include "genkidama/run/evaluation.h"
#include "run/evaluation/evaluation_report.h"

namespace genkidama::cli {

/// Lines with one evaluation's figures, each ending with a line break.
std::string to_table(const run::EvaluationStatistics& statistics);

/// A line per checkpoint, aligned; every line ends with a line break.
std::string to_table(const std::vector<run::CheckpointEvaluation>& evaluations);

}  // namespace genkidama::cli
