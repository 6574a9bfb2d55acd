#include "rl/algorithms/critic_network.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "rl/algorithms/algorithm_table.h"
#include "rl/behaviour/gaussian_units.h"

namespace genkidama {

NetworkSpec critic_network(const EnvironmentSpec& environment, const Hyperparameters& hyperparameters,
                           int policy, const char* algorithm) {
  const EnvironmentSpec spec = completed(environment);
  if (!is_bounded_box(spec.action_space)) {
    throw ArgumentError(fmt::format(
        "environment '{}' has {}, and {} takes continuous actions with finite bounds; expected {}", spec.name,
        action_space_text(spec.action_space), algorithm, fitting_algorithms(spec.action_space)));
  }
  NetworkSpec network{spec.observation_shape, policy, 0};
  network.critics = hyperparameters.critics;
  network.critic_actions = static_cast<int>(spec.action_space.low.size());
  return network;
}

std::function<bool()> before_learning(const Hyperparameters& hyperparameters,
                                      const ExplorerContext& context) {
  return [starts = hyperparameters.learning_starts, &sink = context.sink] {
    return sink.environment_steps() < starts;
  };
}

}  // namespace genkidama
