#pragma once

/// @file
/// When a run has got to its end.

#include <cstdint>
#include <optional>
#include <string>

#include "genkidama/run/run_options.h"
#include "genkidama/run/run_totals.h"

namespace genkidama::run {

/// How much of a run is over, in [0, 1], if it has an end that can be counted.
std::optional<double> share_of_run(const RunOptions& options, std::uint64_t updates, std::uint64_t steps);

/// "updates" or "max_steps" when the totals have got there.
std::optional<std::string> reached_limit(const RunOptions& options, const RunTotals& totals);

}  // namespace genkidama::run
