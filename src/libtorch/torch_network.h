#pragma once

// The network of a module, for whoever has the module already.

#include <torch/torch.h>

#include <memory>

#include "genkidama/libtorch/actor_critic.h"

namespace genkidama {

/// Computes with copies of the weights on `device`, as on a GPU, also where that is the processor itself.
std::unique_ptr<Network> make_network_on(const torch::Device& device, std::shared_ptr<ActorCritic> module,
                                         const NetworkSpec& spec);

}  // namespace genkidama
