#pragma once

/// @file
/// The networks that come with the library. They need no LibTorch.

#include <optional>
#include <string_view>
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

/// What the sums of a hidden layer go through.
enum class Activation {
  kTanh,
  kRelu,  ///< max(x, 0)
  kSilu   ///< x / (1 + e^-x)
};

/// The shape and the first weights of mlp_network().
struct MlpOptions {
  std::vector<int> hidden = {64, 64};  ///< units of each hidden layer, >= 1; empty: the outputs are linear
  /// true: weights start orthogonal (Saxe et al. 2014) with gain sqrt(2) in hidden layers, whatever the
  /// activation, 0.01 in the last policy layer and 1 in the last value layer. false: weights start as
  /// N(0, 0.1^2), as in the thesis. Biases start as 0 either way.
  bool orthogonal = true;
  Activation activation = Activation::kTanh;  ///< behind every hidden layer
  /// true: the policy and the value are linear functions of the same hidden layers. false: each has hidden
  /// layers of its own.
  bool shared_trunk = false;
  /// Whether each hidden layer's sums are normalised before the activation (Ba et al. 2016). The gains start
  /// as 1, the shifts as 0.
  bool layer_norm = false;
  /// Units of a gated recurrent unit (Cho et al. 2014), with which the network remembers what it has seen in
  /// an episode; 0: no memory. It stands behind a shared trunk; otherwise it is the first layer, and both
  /// heads see what it gives. Its matrices start orthogonal with gain 1, gate by gate.
  int memory = 0;

  /// Compares field by field.
  bool operator==(const MlpOptions&) const = default;
};

/// A multi-layer perceptron. An observation of several dimensions is taken as a vector.
///
/// Its tensors are laid out as PyTorch's Linear and LayerNorm lay them out. With heads apart they are
/// "pi1.weight" [units, inputs], "pi1.bias" [units], "pi2.weight", ... for the policy, and "v1.weight", ...
/// for the value. With a shared trunk they are "trunk1.weight", "trunk1.bias", ... for the hidden layers, and
/// "pi1.weight", "pi1.bias", "v1.weight" and "v1.bias" for the outputs. With layer_norm a hidden layer's
/// tensors are followed by its gains and shifts, such as "pi1_norm.weight" and "pi1_norm.bias". The memory's
/// tensors stand before the heads' and are those of PyTorch's GRU: "gru.weight_ih_l0", "gru.weight_hh_l0",
/// "gru.bias_ih_l0" and "gru.bias_hh_l0".
///
/// Each critic of a spec has hidden layers as the policy has, behind an observation and an action side by
/// side: "q1_1.weight", "q1_1.bias", ... for the first one, "q2_1.weight", ... for the second. Critics need a
/// network without a shared trunk and without memory.
///
/// A spec without values has no tensors for them, and no layers behind which there would be a value.
///
/// Throws ArgumentError when a layer is smaller than 1 or the memory is smaller than 0. The factory throws
/// ArgumentError for a spec with another number of values than 0 or 1, for one without values where the
/// network has memory, and for critics with a shared trunk or memory.
NetworkFactory mlp_network(const MlpOptions& options = {});

/// The options of a factory that mlp_network() or thesis_network() made. Nothing for any other factory.
std::optional<MlpOptions> mlp_options(const NetworkFactory& network);

/// "tanh", "relu" or "silu".
const char* activation_name(Activation activation);

/// The activation with this name. Nothing when there is none.
std::optional<Activation> activation_of(std::string_view name);

}  // namespace genkidama
