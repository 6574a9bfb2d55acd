#pragma once

/// @file
/// The statistics of episodes that a trainer has played for an evaluation.

#include <span>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/evaluation.h"

namespace genkidama::run {

/// What evaluate() returns, for episodes that were played as `request` says. Throws as statistics_of().
EvaluationStatistics trainer_statistics(const CoreOrchestrator& trainer, const EvaluationRequest& request,
                                        std::span<const EpisodeResult> episodes);

}  // namespace genkidama::run
