#pragma once

/// @file
/// Policy outputs that are learnt constants, for any network.

#include <cstdint>
#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/nn/network.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Makes the network for a spec. The factory is asked for the spec's outputs without its free ones. The free
/// ones become one more tensor behind the network's own, NetworkSpec::free_name [free], which starts as
/// `free_start`. Each observation's last outputs are the elements of that tensor.
///
/// Throws ArgumentError when the factory returns null or `free` is out of range, LayoutError when the network
/// has a tensor of that name itself, and what the factory throws.
std::unique_ptr<Network> make_network(const NetworkFactory& make, const NetworkSpec& spec,
                                      std::uint64_t seed);

}  // namespace genkidama
