#pragma once

/// @file
/// Networks made of LibTorch's modules. This header includes LibTorch: include it only where a network is
/// defined.

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/nn/network.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A network's answer to a batch of B observations.
struct ActorCriticOutput {
  torch::Tensor logits;  ///< [B, NetworkSpec::policy], unnormalised log-probabilities
  torch::Tensor value;   ///< [B], estimate of the discounted return
};

/// Derive from this class, register your submodules, and implement forward().
///
/// All parameters must be float32 on the CPU. Buffers (running statistics) are not supported, because only
/// parameters are shared and exchanged; a LayoutError names the tensor. Nor is memory: the library carries no
/// state from one observation to the next, so a module that remembers something between two calls of
/// forward(), or that has a recurrent layer (GRU, LSTM, RNN), is refused with an ArgumentError. Each worker
/// has an instance of its own.
///
/// Where OrchestratorOptions::device names a device, the library moves the parameters there after the module
/// was made, and forward() is given an observation that is there. Tensors that are no parameters stay where
/// they are: make such a one in forward(), with the observation's options().
class ActorCritic : public torch::nn::Module {
 public:
  /// `observation` is float32 [B, ...], with the dimensions of NetworkSpec::observation: [B, size] for a
  /// vector, [B, channels, height, width] for an image. It is called twice with one observation when the
  /// network is made, to see whether the answers are the same.
  virtual ActorCriticOutput forward(const torch::Tensor& observation) = 0;

  /// Whether recurrent layers start from zeros in every forward(), for instance over a history that is part
  /// of one observation. Override this to return true, and modules with recurrent layers are accepted.
  virtual bool restarts_recurrent_layers() const { return false; }

  /// What tells this module from another one with the same tensors; see Network::description().
  virtual std::string description() const { return {}; }
};

/// Makes the library's networks from your modules. They play in inference mode and learn by autograd.
/// LibTorch's generator is seeded before `make` is called, so the same seed gives the same first weights.
/// LibTorch and its BLAS are then given one thread for the whole process: the workers already take the cores,
/// and a forked process that meets an OpenMP pool used before the fork hangs.
NetworkFactory torch_network(std::function<std::shared_ptr<ActorCritic>(const NetworkSpec&)> make);

/// The same for a module that is constructed from the NetworkSpec.
template <typename Module>
NetworkFactory torch_network() {
  return torch_network([](const NetworkSpec& spec) { return std::make_shared<Module>(spec); });
}

}  // namespace genkidama
