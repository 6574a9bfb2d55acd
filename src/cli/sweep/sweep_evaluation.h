#pragma once

/// @file
/// The evaluation of a finished run's checkpoints, which another process does.

#include <string>
#include <vector>

#include "cli/sweep/sweep_plan.h"

namespace genkidama::cli {

/// The words of a command line that evaluates every checkpoint of the run on all cores.
std::vector<std::string> evaluation_words(const SweepRun& run, const std::vector<OptionRow>& table,
                                          int episodes);

}  // namespace genkidama::cli
