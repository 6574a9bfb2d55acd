#pragma once

/// @file
/// CartPole-v1 (Barto, Sutton, Anderson 1983) with gym's constants.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Observation (4): cart position, cart velocity, pole angle, pole angular velocity. Actions (2): push left,
/// push right. Reward 1 a step; time limit 500 steps, solved at a mean return of 475.
std::unique_ptr<Environment> make_cart_pole();

}  // namespace genkidama
