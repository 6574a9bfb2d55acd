#pragma once

/// @file
/// What an environment step and an optimizer step cost on this machine.

#include <optional>

#include "genkidama/env/environment.h"
#include "genkidama/orchestrator/core_orchestrator.h"

namespace genkidama::cli {

struct StepCosts {
  double step_us = 0, gradient_us = 0;
  std::optional<double> inference_us{};  ///< of step_us; nothing: nobody has asked
};

/// Plays a few rounds and evaluations with `trainer`, which must be WorkerMode::kCaller, and takes the
/// processor time of the calling thread. The trainer has learnt afterwards.
StepCosts measured_costs(CoreOrchestrator& trainer);

/// What the environment takes of a step, with actions by chance.
double measured_environment_us(const EnvironmentFactory& make);

}  // namespace genkidama::cli
