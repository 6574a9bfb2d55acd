#pragma once

/// @file
/// What is added to any network: policy outputs that are learnt constants, and noise in its layers.

#include <cstdint>
#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/nn/network.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Makes the network for a spec. The factory is asked for the spec's outputs without its free ones. The free
/// ones become one more tensor behind the network's own, NetworkSpec::free_name [free], which starts as
/// `free_start`. Each observation's last outputs are the elements of that tensor.
///
/// With NetworkSpec::noisy each fully connected layer of the factory's network has factorised Gaussian noise
/// (Fortunato et al. 2018). That is each tensor NAME.weight of two dimensions, of as many rows as the tensor
/// NAME.bias has elements; convolutions, memory and normalised layers have none. These tensors are means.
/// Behind the network's own tensors stand NAME.weight_sigma and NAME.bias_sigma, the deviations, which start
/// as `noisy_deviation` over the root of the layer's inputs. Network::noise() draws: f(x) = sign(x)
/// sqrt(|x|) of a normal number for each input and each output of a layer. The noise of a bias is that of its
/// output, and of a weight the product of both.
///
/// Throws ArgumentError when the factory returns null, `free` is out of range, noise is asked for together
/// with critics, or of a network without such layers, or when the network has a tensor of one of those names
/// itself; and what the factory throws.
std::unique_ptr<Network> make_network(const NetworkFactory& make, const NetworkSpec& spec,
                                      std::uint64_t seed);

}  // namespace genkidama
