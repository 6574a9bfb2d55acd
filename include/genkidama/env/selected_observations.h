#pragma once

/// @file
/// Hides components of an observation.

#include <memory>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Wraps an environment and keeps the components of its observations that `components` numbers, in that
/// order. The observation becomes a vector. Two uses: a robot that lacks a sensor, and a task that needs
/// memory because velocities are hidden.
///
/// What can be reached differs from the original task, so the name in the spec says what is left, for example
/// "CartPole-v1[0,2]". Everything else stays as it is.
///
/// Throws ArgumentError, which names the environment and the component, when there is no environment, when
/// `components` is empty, or when a component is out of range or is there twice.
std::unique_ptr<Environment> make_selected(std::unique_ptr<Environment> environment,
                                           std::vector<int> components);

/// Makes CartPole-v1 without its two velocities: an observation is the cart's position and the pole's angle.
/// One observation does not tell which way the pole falls, so a policy without memory balances it for a short
/// time only.
std::unique_ptr<Environment> make_cart_pole_without_velocities();

}  // namespace genkidama
