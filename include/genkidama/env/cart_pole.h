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

/// The constants of a variant: gym's unless they are given.
struct CartPoleOptions {
  double pole_half_length = 0.5;  ///< in metres, in [0.05, 5]
  double pole_mass = 0.1;         ///< in kilograms, in [0.001, 10]
  double cart_mass = 1;           ///< in kilograms, in [0.01, 100]
  double force = 10;              ///< of a push, in newtons, in [0.1, 1000]
  double gravity = 9.8;           ///< in m/s^2, in [0.1, 100]
};

/// Makes a variant of the same task, under the same name: machines with different ones may train one policy
/// together. Throws ArgumentError for constants out of range.
std::unique_ptr<Environment> make_cart_pole_variant(const CartPoleOptions& options);

}  // namespace genkidama
