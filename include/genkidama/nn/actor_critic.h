#pragma once

/// @file
/// The interface of a network. Includes LibTorch: for files that define networks.

#include <torch/torch.h>

#include <memory>

#include "genkidama/nn/gradient_function.h"
#include "genkidama/nn/networks.h"
#include "genkidama/nn/policy_function.h"

namespace genkidama {

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

  /// A network that can compute its logits and value without LibTorch returns an object that reads the flat
  /// weights it is given: playing is then many times faster. The default returns none, and LibTorch is used.
  virtual std::unique_ptr<PolicyFunction> make_policy_function() const { return nullptr; }

  /// The same for learning: returns an object that computes the gradient of the flat weights it is given. The
  /// default returns none, and LibTorch's autograd is used.
  virtual std::unique_ptr<GradientFunction> make_gradient_function() const { return nullptr; }
};

}  // namespace genkidama
