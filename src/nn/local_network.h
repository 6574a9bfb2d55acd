#pragma once

// A worker's own copy of the weights and its gradient, each in one flat array, and what computes with them.

#include <memory>
#include <span>
#include <vector>

#include "genkidama/nn/network.h"

namespace genkidama {

/// A pull is one copy into weights(), and an optimizer step reads gradient(). Used by one thread.
class LocalNetwork {
 public:
  /// Throws ArgumentError when `network` is null, LayoutError when it has no parameters or first weights of
  /// another number.
  LocalNetwork(std::unique_ptr<Network> network, const EnvironmentSpec& spec);

  const ParameterLayout& layout() const { return network_->layout(); }
  std::size_t action_count() const { return static_cast<std::size_t>(action_count_); }
  std::span<float> weights() { return weights_; }
  std::span<float> gradient() { return gradient_; }

  /// For playing.
  PolicyFunction& policy() { return *policy_; }

  /// For a batch, to learn from: fills `logits` [n, action_count] and `values` [n] for `observations`
  /// [n, observation_size], which must stay until backpropagate().
  void evaluate(std::span<const float> observations, std::span<float> logits, std::span<float> values) {
    gradient_function_->forward(weights_, observations, logits, values);
  }
  /// Overwrites gradient() with that of a loss whose derivatives by the latest evaluate()'s results are
  /// given.
  void backpropagate(std::span<const float> logits_gradient, std::span<const float> values_gradient) {
    gradient_function_->backward(weights_, logits_gradient, values_gradient, gradient_);
  }

 private:
  std::unique_ptr<Network> network_;
  int action_count_;
  std::vector<float> weights_;
  std::vector<float> gradient_;
  std::unique_ptr<PolicyFunction> policy_;
  std::unique_ptr<GradientFunction> gradient_function_;
};

}  // namespace genkidama
