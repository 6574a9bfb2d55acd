#include "rl/algorithms/replay_algorithm.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"

namespace genkidama {

void check_no_memory(const LocalNetwork& network, const char* algorithm) {
  if (network.state_size() == 0) return;
  throw ArgumentError(fmt::format(
      "{} learns from single steps, and the network carries {} floats of state from step to step; "
      "expected a network without memory, or a3c, dqn or ppo",
      algorithm, network.state_size()));
}

}  // namespace genkidama
