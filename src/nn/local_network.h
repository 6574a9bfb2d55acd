#pragma once

// A worker's own copy of the network, with its weights and its gradient each in one flat array.

#include <torch/torch.h>

#include <memory>
#include <span>
#include <vector>

#include "genkidama/nn/actor_critic.h"
#include "genkidama/params/parameter_layout.h"

namespace genkidama {

/// Parameters in registration order, named as in PyTorch's state_dict. Throws LayoutError for a parameter
/// that is not float32 on the CPU, a buffer, or a network without parameters.
ParameterLayout layout_of(const ActorCritic& network);

/// Rebinds every parameter and its gradient to flat memory, so that a pull is one copy and an optimizer step
/// reads one array. Used by one thread.
class LocalNetwork {
 public:
  /// Throws as layout_of(), or ArgumentError when `network` is null.
  LocalNetwork(std::shared_ptr<ActorCritic> network, const EnvironmentSpec& spec);

  const ParameterLayout& layout() const { return layout_; }
  std::size_t action_count() const { return static_cast<std::size_t>(action_count_); }
  std::span<float> weights() { return weights_; }
  std::span<float> gradient() { return gradient_; }

  /// With autograd. `observation` [B, observation_size]. Throws LayoutError when the network's answer has
  /// other shapes than [B, action_count] and [B].
  ActorCriticOutput forward(const torch::Tensor& observation);

  /// For a batch, to learn from: fills `logits` [n, action_count] and `values` [n] for `observations`
  /// [n, observation_size], which must stay until backpropagate().
  void evaluate(std::span<const float> observations, std::span<float> logits, std::span<float> values);
  /// Overwrites gradient() with that of a loss whose derivatives by the latest evaluate()'s results are
  /// given.
  void backpropagate(std::span<const float> logits_gradient, std::span<const float> values_gradient);

  /// Without autograd, for playing: the network's own PolicyFunction, or LibTorch in inference mode.
  PolicyFunction& policy() { return *policy_; }

  /// Throws LayoutError when a parameter or gradient no longer lies in the flat arrays (a user's clone(),
  /// to() or assignment detaches it silently, and learning would stop without a sign).
  void check_bound() const;

 private:
  std::shared_ptr<ActorCritic> network_;
  ParameterLayout layout_;
  int action_count_;
  std::vector<float> weights_;
  std::vector<float> gradient_;
  std::vector<torch::Tensor> parameters_;
  std::unique_ptr<PolicyFunction> policy_;
  std::unique_ptr<GradientFunction> gradient_function_;
};

}  // namespace genkidama
