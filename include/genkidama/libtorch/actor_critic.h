#pragma once

/// @file
/// Networks made of LibTorch's modules. This header includes LibTorch: include it in files that define
/// networks and in no others.

#include <torch/torch.h>

#include <functional>
#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/nn/network.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The outputs of a network for a batch of B observations.
struct ActorCriticOutput {
  torch::Tensor logits;  ///< [B, NetworkSpec::policy], unnormalised log-probabilities
  torch::Tensor value;   ///< [B], estimate of the discounted return
};

/// Derive from this, register your submodules, and implement forward().
///
/// All parameters must be float32 on the CPU. Buffers (running statistics) are not supported, since only
/// parameters are shared and exchanged. A LayoutError names a tensor that breaks these rules. Every worker
/// has an instance of its own.
class ActorCritic : public torch::nn::Module {
 public:
  /// `observation` is float32 [B, ...], with the dimensions of NetworkSpec::observation: [B, size] for a
  /// vector, [B, channels, height, width] for an image.
  virtual ActorCriticOutput forward(const torch::Tensor& observation) = 0;
};

/// Makes the library's networks from modules of yours, which play in inference mode and learn by autograd.
/// LibTorch's generator has been seeded before `make` is called, so the same seed gives the same first
/// weights. LibTorch and its BLAS are then given one thread for the whole process: the workers already take
/// the cores, and a forked process that meets an OpenMP pool used before the fork hangs.
NetworkFactory torch_network(std::function<std::shared_ptr<ActorCritic>(const NetworkSpec&)> make);

/// The same for a module that is constructed from the NetworkSpec.
template <typename Module>
NetworkFactory torch_network() {
  return torch_network([](const NetworkSpec& spec) { return std::make_shared<Module>(spec); });
}

}  // namespace genkidama
