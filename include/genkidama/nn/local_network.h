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
  /// Throws ArgumentError when `network` is null, makes no functions or carries state; LayoutError when it
  /// has no parameters, or another number of first weights than its layout says.
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

  /// The function that plays; give it weights().
  PolicyFunction& policy() { return *policy_; }

  /// Fills `logits` [n, policy] and `values` [n, values] for `observations` [n, observation size], which must
  /// stay until backpropagate().
  void evaluate(std::span<const float> observations, std::span<float> logits, std::span<float> values) {
    gradient_function_->forward(weights_, observations, logits, values);
  }
  /// Overwrites gradient() with that of a loss, given the loss' derivatives by the results of the latest
  /// evaluate().
  void backpropagate(std::span<const float> logits_gradient, std::span<const float> values_gradient) {
    gradient_function_->backward(weights_, logits_gradient, values_gradient, gradient_);
  }

 private:
  std::unique_ptr<Network> network_;
  NetworkSpec spec_;
  std::vector<float> weights_;
  std::vector<float> gradient_;
  std::unique_ptr<PolicyFunction> policy_;
  std::unique_ptr<GradientFunction> gradient_function_;
};

}  // namespace genkidama
