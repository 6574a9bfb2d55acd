#pragma once

/// @file
/// The networks the library brings along. They need no LibTorch.

#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/nn/network.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The thesis' network: two separate heads, policy observation -> 128 tanh -> actions and value
/// observation -> 128 tanh -> 1; 2,949 parameters for LunarLander. Tensors "pi1.weight", "pi1.bias",
/// "pi2.weight", "pi2.bias", "v1.weight", "v1.bias", "v2.weight", "v2.bias", as PyTorch's Linear keeps them.
/// Weights N(0, 0.1^2), biases 0.
NetworkFactory thesis_network();

/// The shape and the first weights of mlp_network().
struct MlpOptions {
  std::vector<int> hidden = {64, 64};  ///< units per hidden layer of each head, each >= 1; tanh between them
  /// Orthogonal weights (Saxe et al. 2014) with gain sqrt(2), 0.01 for the last policy layer and 1 for the
  /// last value layer; else N(0, 0.1^2) as in the thesis. Biases 0.
  bool orthogonal = true;
};

/// Two separate multi-layer perceptrons. Tensors "pi1.weight", "pi1.bias", ... and "v1.weight", "v1.bias",
/// ... Throws ArgumentError when a layer is smaller than 1.
NetworkFactory mlp_network(const MlpOptions& options = {});

}  // namespace genkidama
