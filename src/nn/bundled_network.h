#pragma once

// Which of the bundled networks a checkpoint holds.

#include <optional>
#include <string>
#include <string_view>

#include "genkidama/nn/networks.h"
#include "genkidama/params/parameter_layout.h"

namespace genkidama {

/// Network::description() of mlp_network() and thesis_network(): "mlp", the units of each hidden layer, and
/// the activation, then "shared" for a shared trunk, "layer-norm", and "gru" with its units: "mlp 64 64
/// tanh", "mlp 64 relu shared layer-norm gru 32". How the weights start is no part of it.
std::string mlp_description(const MlpOptions& options);

/// Makes the bundled network with this description. Empty when there is none.
NetworkFactory bundled_network(std::string_view description);

/// A bundled network as its tensors show it.
struct RecognisedNetwork {
  std::string description;
  NetworkSpec sizes;
};

/// Tells a bundled network by its tensors' names and shapes, for files that do not describe their network.
/// Nothing when they are those of no bundled network.
std::optional<RecognisedNetwork> recognise_bundled_network(const ParameterLayout& layout);

}  // namespace genkidama
