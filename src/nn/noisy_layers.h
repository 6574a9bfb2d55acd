#pragma once

// Noisy layers (Fortunato et al. 2018, "Noisy Networks for Exploration"), for any network.

#include <memory>

#include "genkidama/nn/network.h"

namespace genkidama {

/// The network with noise in its fully connected layers: each tensor NAME.weight of two dimensions, of as
/// many rows as NAME.bias has elements. They are the means, and behind the network's own tensors stand their
/// deviations, NAME.weight_sigma and NAME.bias_sigma, which start as `start` over the root of the layer's
/// inputs. Throws ArgumentError when there is no such layer, or a tensor of such a name already.
std::unique_ptr<Network> with_noisy_layers(std::unique_ptr<Network> inner, double start);

}  // namespace genkidama
