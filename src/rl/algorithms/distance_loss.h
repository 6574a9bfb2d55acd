#pragma once

// The imitation of policies that choose one continuous action and no distribution.

#include <memory>

#include "genkidama/env/action_space.h"
#include "genkidama/rl/imitation_loss.h"

namespace genkidama {

/// The squared distance of the hyperbolic tangent of each output from the demonstrated action in [-1, 1],
/// summed over the components. `space` is a box with finite bounds.
std::unique_ptr<ImitationLoss> distance_loss(const ActionSpace& space);

}  // namespace genkidama
