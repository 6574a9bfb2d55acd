#pragma once

/// @file
/// The networks that come with the library. They need no LibTorch.

#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/nn/network.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The thesis' network has two separate heads: policy observation -> 128 tanh -> actions, and value
/// observation -> 128 tanh -> 1. For LunarLander it has 2,949 parameters. Its tensors are "pi1.weight",
/// "pi1.bias", "pi2.weight", "pi2.bias", "v1.weight", "v1.bias", "v2.weight" and "v2.bias", laid out as
/// PyTorch's Linear does. Weights start as N(0, 0.1^2), biases as 0. The factory throws as that of
/// mlp_network().
NetworkFactory thesis_network();

/// The shape and the first weights of mlp_network().
struct MlpOptions {
  std::vector<int> hidden = {64,
                             64};  ///< units of each hidden layer of each head, >= 1; tanh between the layers
  /// true: weights start orthogonal (Saxe et al. 2014) with gain sqrt(2), 0.01 for the last policy layer and
  /// 1 for the last value layer. false: weights start as N(0, 0.1^2), as in the thesis. Biases start as 0
  /// either way.
  bool orthogonal = true;
};

/// Two separate multi-layer perceptrons. Their tensors are "pi1.weight", "pi1.bias", ... and "v1.weight",
/// "v1.bias", ... An observation of several dimensions is taken as a vector. Throws ArgumentError when a
/// layer is smaller than 1. The factory throws ArgumentError for a spec with another number of values than 1.
NetworkFactory mlp_network(const MlpOptions& options = {});

}  // namespace genkidama
