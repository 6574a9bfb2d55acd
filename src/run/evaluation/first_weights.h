#pragma once

/// @file
/// The weights that a run begins with when RunOptions::init_from names a file.

#include <optional>
#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/run_options.h"

namespace genkidama::run {

/// The weights of the policy in options.init_from, in the order of the trainer's layout; nothing when no file
/// is named. Throws ArgumentError when the file cannot be read, holds another network or a run's state, or
/// weights that are not finite.
std::optional<std::vector<float>> read_first_weights(const RunOptions& options,
                                                     const CoreOrchestrator& trainer);

}  // namespace genkidama::run
