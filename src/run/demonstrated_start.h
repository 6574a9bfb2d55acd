#pragma once

/// @file
/// What a run does with RunOptions::demonstrations before its first round.

#include <nlohmann/json.hpp>
#include <optional>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/rl/demonstrations.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"
#include "run/directory/run_directory.h"

namespace genkidama::run {

/// The demonstrations of options.demonstrations; nothing when no file is named. Throws ArgumentError, naming
/// the option and the file, when it cannot be read, is of another task, or the trainer cannot begin with it.
std::optional<Demonstrations> read_demonstrated_start(const RunOptions& options,
                                                      const CoreOrchestrator& trainer);

/// Fits the trainer's policy, tells the observer of it, and writes cloning.json. Returns the statistics that
/// the policy has learnt with; without components: it normalises nothing. Throws StoppedError when
/// RunOptions::end_reason has an answer, and as CoreOrchestrator::clone().
RunningStatistics clone_demonstrations(const RunOptions& options, const RunDirectory& directory,
                                       const Demonstrations& demonstrations, CoreOrchestrator& trainer,
                                       RunObserver& observer);

/// For summary.json: what cloning.json says of the whole fit, or null where the run has none.
nlohmann::ordered_json cloning_summary(const RunDirectory& directory);

}  // namespace genkidama::run
