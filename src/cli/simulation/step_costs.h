#pragma once

/// @file
/// What an environment step and an optimizer step cost on this machine.

#include "genkidama/orchestrator/core_orchestrator.h"

namespace genkidama::cli {

struct StepCosts {
  double step_us = 0, gradient_us = 0;
};

/// Plays a few rounds and evaluations with `trainer`, which must be WorkerMode::kCaller, and takes the
/// processor time of the calling thread. The trainer has learnt afterwards.
StepCosts measured_costs(CoreOrchestrator& trainer);

}  // namespace genkidama::cli
