#pragma once

// The optimizer's state where several gradient servers each own a slice of the weights. In shared memory it
// lies server by server, so that each has the state of an optimizer of its slice. State files, and machines
// that average moments, have it as one optimizer of all weights has it: blocks with a float for each weight.

#include <cstddef>
#include <span>

#include "genkidama/nn/shared_optimizer.h"

namespace genkidama {

/// Throws ArgumentError, which names OrchestratorOptions::servers, unless so many servers can have slices of
/// these weights and the optimizer has the same number of floats for each weight.
void check_servers(int servers, const SharedOptimizer& optimizer, std::size_t parameters);

/// Both spans have the same number of floats, a multiple of `parameters`, and do not overlap. With one server
/// they come to the same.
void server_states_to_blocks(std::span<const float> states, std::size_t parameters, int servers,
                             std::span<float> blocks);
/// The opposite.
void blocks_to_server_states(std::span<const float> blocks, std::size_t parameters, int servers,
                             std::span<float> states);

}  // namespace genkidama
