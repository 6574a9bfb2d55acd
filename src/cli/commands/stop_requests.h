#pragma once

/// @file
/// Runs that hear otherwise than by signals that they are to end.

#include <functional>
#include <memory>

#include "cli/commands/job.h"
#include "genkidama/orchestrator/core_orchestrator.h"

namespace genkidama::cli {

/// OrchestratorOptions::cut_round and give_up.
struct StopRequests {
  std::function<bool()> cut_round;
  std::function<bool()> give_up;
};

/// make_trainer() of job.h, which asks these and not the signals that this process has caught.
std::unique_ptr<CoreOrchestrator> make_trainer(const Job& job, int workers,
                                               std::function<void(const RoundProgress&)> on_wait,
                                               StopRequests stop);

}  // namespace genkidama::cli
