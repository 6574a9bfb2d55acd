#include "orchestrator/server_states.h"

#include <fmt/format.h>

#include <algorithm>

#include "genkidama/core/error.h"
#include "genkidama/params/weight_shards.h"

namespace genkidama {
namespace {

WeightSlice slice_of(std::size_t parameters, int number, int servers) {
  return weight_slice(parameters, static_cast<std::size_t>(number), static_cast<std::size_t>(servers));
}

/// Calls `visit` with where each part of a block begins among the servers' states and among the blocks, and
/// with its length.
template <typename Visit>
void for_each_part(std::size_t floats, std::size_t parameters, int servers, const Visit& visit) {
  const std::size_t blocks = floats / parameters;
  for (int number = 1; number <= servers; ++number) {
    const WeightSlice slice = slice_of(parameters, number, servers);
    for (std::size_t block = 0; block < blocks; ++block)
      visit(blocks * slice.begin + block * slice.size(), block * parameters + slice.begin, slice.size());
  }
}

}  // namespace

void check_servers(int servers, const SharedOptimizer& optimizer, std::size_t parameters) {
  if (servers == 1) return;
  if (servers < 1 || static_cast<std::size_t>(servers) > std::min(parameters, kMostShards)) {
    throw ArgumentError(fmt::format("servers is {}, and the network has {} weights; expected 1 to {}",
                                    servers, parameters, std::min(parameters, kMostShards)));
  }
  const std::size_t floats = optimizer.state_size(parameters);
  for (int number = 1; number <= servers; ++number) {
    const std::size_t size = slice_of(parameters, number, servers).size();
    if (optimizer.state_size(size) * parameters == floats * size) continue;
    throw ArgumentError(fmt::format(
        "servers is {}, and the optimizer has a state of {} floats for {} weights and of {} for {}; "
        "expected 1 server, or an optimizer with the same number of floats for each weight",
        servers, floats, parameters, optimizer.state_size(size), size));
  }
}

void server_states_to_blocks(std::span<const float> states, std::size_t parameters, int servers,
                             std::span<float> blocks) {
  for_each_part(states.size(), parameters, servers, [&](std::size_t from, std::size_t to, std::size_t size) {
    std::copy_n(states.begin() + static_cast<std::ptrdiff_t>(from), size,
                blocks.begin() + static_cast<std::ptrdiff_t>(to));
  });
}

void blocks_to_server_states(std::span<const float> blocks, std::size_t parameters, int servers,
                             std::span<float> states) {
  for_each_part(blocks.size(), parameters, servers, [&](std::size_t to, std::size_t from, std::size_t size) {
    std::copy_n(blocks.begin() + static_cast<std::ptrdiff_t>(from), size,
                states.begin() + static_cast<std::ptrdiff_t>(to));
  });
}

}  // namespace genkidama
