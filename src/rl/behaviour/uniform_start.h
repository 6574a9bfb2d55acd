#pragma once

// Exploration without a policy, until there is something to learn from.

#include <functional>
#include <memory>

#include "genkidama/rl/behaviour.h"

namespace genkidama {

/// Explores uniformly within the bounds of the environment's actions while `is_start()`, which is asked
/// before each action, and then as `inner`, whose choices are the environment's actions mapped linearly from
/// [-1, 1], or with kTanh mapped from the hyperbolic tangent of what was chosen. Other ways of acting are
/// `inner`'s.
std::unique_ptr<Behaviour> uniform_start(std::unique_ptr<Behaviour> inner, std::function<bool()> is_start,
                                         ActionBounds bounds);

}  // namespace genkidama
