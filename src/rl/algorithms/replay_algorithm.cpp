#include "rl/algorithms/replay_algorithm.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "rl/algorithms/algorithm_table.h"

namespace genkidama {

void check_no_memory(const LocalNetwork& network, const char* algorithm) {
  if (network.state_size() == 0) return;
  throw ArgumentError(fmt::format(
      "{} learns from single steps, and the network carries {} floats of state from step to step; "
      "expected a network without memory, or {}",
      algorithm, network.state_size(), algorithms_with_memory()));
}

}  // namespace genkidama
