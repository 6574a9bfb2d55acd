#pragma once

// Refuses modules that would learn nothing, because the library carries no state from one observation to the
// next.

#include "genkidama/libtorch/actor_critic.h"

namespace genkidama {

/// Throws ArgumentError when `module` has a recurrent layer and does not say that it restarts it at every
/// observation, or when it answers the same `observation` [1, ...] differently the second time.
/// Leaves LibTorch's generator as it was.
void check_stateless(ActorCritic& module, const torch::Tensor& observation);

}  // namespace genkidama
