#pragma once

/// @file
/// The task CartPole-v1 (Barto, Sutton, Anderson 1983) with gym's constants.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Makes a cart that balances a pole. An observation has four components: the cart's position and velocity,
/// the pole's angle and angular velocity. Action 0 pushes the cart to the left and action 1 to the right.
/// Every step is rewarded with 1. The time limit is 500 steps, and a mean return of 475 counts as solved.
std::unique_ptr<Environment> make_cart_pole();

}  // namespace genkidama
