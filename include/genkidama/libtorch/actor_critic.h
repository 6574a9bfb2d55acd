#pragma once

/// @file
/// Networks made of LibTorch's modules. Includes LibTorch: for files that define networks, and for no other.

#include <torch/torch.h>

#include <functional>
#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/nn/network.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a network gives for a batch of B observations.
struct ActorCriticOutput {
  torch::Tensor logits;  ///< [B, action_count], unnormalised log-probabilities
  torch::Tensor value;   ///< [B], estimate of the discounted return
};

/// Derive from this, register your submodules, and implement forward().
///
/// All parameters must be float32 on the CPU; buffers (running statistics) are not supported, since only
/// parameters are shared and exchanged. A LayoutError names the tensor otherwise. One instance per worker.
class ActorCritic : public torch::nn::Module {
 public:
  /// `observation` is [B, observation_size], float32.
  virtual ActorCriticOutput forward(const torch::Tensor& observation) = 0;
};

/// Makes the library's networks from modules of yours: played in inference mode, learning by autograd.
/// LibTorch's generator has been seeded before `make` is called, so the same seed gives the same first
/// weights. LibTorch and its BLAS are then given one thread for the whole process: the workers already take
/// the cores, and a forked process that meets an OpenMP pool used before the fork hangs.
NetworkFactory torch_network(std::function<std::shared_ptr<ActorCritic>(const EnvironmentSpec&)> make);

/// The same for a module that is constructed from the EnvironmentSpec.
template <typename Module>
NetworkFactory torch_network() {
  return torch_network([](const EnvironmentSpec& spec) { return std::make_shared<Module>(spec); });
}

}  // namespace genkidama
