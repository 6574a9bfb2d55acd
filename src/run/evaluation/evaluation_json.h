#pragma once

/// @file
/// Evaluations as JSON, for summary.json and `evaluate --json`.

#include <nlohmann/json.hpp>

#include "genkidama/run/evaluation.h"

namespace genkidama::run {

nlohmann::ordered_json to_json(const EvaluationStatistics& statistics);

}  // namespace genkidama::run
