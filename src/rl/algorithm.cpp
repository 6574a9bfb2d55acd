#include "genkidama/rl/algorithm.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"

namespace genkidama {

NetworkSpec actor_critic_network(const EnvironmentSpec& environment) {
  const EnvironmentSpec spec = completed(environment);
  if (!spec.action_space.is_one_choice()) {
    throw ArgumentError(
        fmt::format("the action of environment '{}' is {}, expected one choice: this algorithm "
                    "learns nothing else",
                    spec.name, action_space_text(spec.action_space)));
  }
  return {spec.observation_shape, spec.action_count, 1};
}

}  // namespace genkidama
