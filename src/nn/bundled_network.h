#pragma once

// Which of the bundled networks a checkpoint holds.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/nn/networks.h"
#include "genkidama/params/parameter_layout.h"

namespace genkidama {

/// Network::description() of mlp_network() and thesis_network(): "mlp 64 64 tanh".
std::string mlp_description(const std::vector<int>& hidden);

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
