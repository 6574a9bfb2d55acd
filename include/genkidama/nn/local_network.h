#pragma once

/// @file
/// A worker's own copy of the weights, its gradient, and the functions that compute with them.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/nn/network.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Weights and gradient are one flat array each, in the layout's order. A pull copies the shared weights into
/// weights(), and an optimizer step reads gradient(). A local network is used by one thread.
class LocalNetwork {
 public:
  /// Throws ArgumentError when `network` is null or makes no functions, or no critic function although
  /// critics are asked for; LayoutError when it has no
  /// parameters, or another number of first weights than its layout says.
  LocalNetwork(std::unique_ptr<Network> network, const NetworkSpec& spec);

  /// The names and shapes of the weights.
  const ParameterLayout& layout() const { return network_->layout(); }
  /// The sizes that the network was made with.
  const NetworkSpec& spec() const { return spec_; }
  /// What the network says about itself; see Network::description().
  std::string description() const { return network_->description(); }
  /// The present weights. At first they are the network's first weights.
  std::span<float> weights() { return weights_; }
  /// The present weights, to read.
  std::span<const float> weights() const { return weights_; }
  /// The result of the latest backpropagate(); as many floats as weights().
  std::span<float> gradient() { return gradient_; }

  /// Floats that the network carries from step to step; 0: it has no memory.
  std::size_t state_size() const { return state_size_; }

  /// Draws the noise of a network with noisy layers anew, for all that is computed from now on; not between
  /// evaluate() and backpropagate(). For any other network it does nothing, and draws nothing.
  void draw_noise(Random& random) {
    if (WeightNoise* const noise = network_->noise()) noise->draw(random);
  }
  /// From now on the network computes without noise, as at first.
  void clear_noise() {
    if (WeightNoise* const noise = network_->noise()) noise->clear();
  }

  /// The function that plays; give it weights(). That of a network with memory throws ArgumentError.
  PolicyFunction& policy() { return *policy_; }
  /// The function with which a network with memory plays; give it weights().
  RecurrentPolicyFunction& recurrent_policy() { return *recurrent_policy_; }

  /// Fills `logits` [n, policy] and `values` [n, values] for `observations` [n, observation size], which must
  /// stay until backpropagate(). Throws ArgumentError for a network with memory.
  void evaluate(std::span<const float> observations, std::span<float> logits, std::span<float> values) {
    gradient_function_->forward(weights_, observations, logits, values);
  }
  /// The same with other weights than weights(), such as those of a target network. Call it before the
  /// evaluate() that backpropagate() belongs to, not between the two.
  void evaluate_with(std::span<const float> weights, std::span<const float> observations,
                     std::span<float> logits, std::span<float> values) {
    gradient_function_->forward(weights, observations, logits, values);
  }
  /// The same for the sequences of a network with memory. `states` [steps, state size] receives the state
  /// before each step; it may be empty.
  void evaluate(const Sequences& sequences, std::span<float> logits, std::span<float> values,
                std::span<float> states = {}) {
    sequence_function_->forward(weights_, sequences, logits, values, states);
  }
  /// The same with other weights than weights(). Call it before the evaluate() that backpropagate() belongs
  /// to.
  void evaluate_with(std::span<const float> weights, const Sequences& sequences, std::span<float> logits,
                     std::span<float> values) {
    sequence_function_->forward(weights, sequences, logits, values);
  }
  /// The function of the network's critics; give it weights() and gradient(), or the weights of a target
  /// network. Call it only when NetworkSpec::critics is at least 1.
  CriticFunction& critics() { return *critics_; }
  /// Overwrites gradient() with that of a loss, given the loss' derivatives by the results of the latest
  /// evaluate(). What belongs to critics is undefined until
  /// CriticFunction::backward().
  void backpropagate(std::span<const float> logits_gradient, std::span<const float> values_gradient) {
    if (state_size_ > 0) {
      sequence_function_->backward(weights_, logits_gradient, values_gradient, gradient_);
    } else {
      gradient_function_->backward(weights_, logits_gradient, values_gradient, gradient_);
    }
  }

 private:
  std::unique_ptr<Network> network_;
  NetworkSpec spec_;
  std::size_t state_size_ = 0;
  std::vector<float> weights_;
  std::vector<float> gradient_;
  std::unique_ptr<PolicyFunction> policy_;
  std::unique_ptr<GradientFunction> gradient_function_;
  std::unique_ptr<CriticFunction> critics_;  ///< null without critics
  // Of a network with memory, in their place.
  std::unique_ptr<RecurrentPolicyFunction> recurrent_policy_;
  std::unique_ptr<SequenceGradientFunction> sequence_function_;
};

}  // namespace genkidama
