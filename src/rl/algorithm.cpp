#include "genkidama/rl/algorithm.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"

namespace genkidama {

NetworkSpec actor_critic_network(const EnvironmentSpec& environment, const GaussianOptions& options) {
  const EnvironmentSpec spec = completed(environment);
  try {
    action_behaviour(spec.action_space, options);
  } catch (const ArgumentError& error) {
    throw ArgumentError(fmt::format("environment '{}': {}", spec.name, error.what()));
  }
  NetworkSpec network{spec.observation_shape, action_outputs(spec.action_space), 1};
  if (!options.state_dependent_deviation) {
    network.free = static_cast<int>(spec.action_space.low.size());
    network.free_start = static_cast<float>(options.initial_log_deviation);
  }
  return network;
}

}  // namespace genkidama
