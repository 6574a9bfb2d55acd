#pragma once

// The fields of an environment's spec, in one place: for whoever writes a spec down and reads it back.

#include "genkidama/env/environment.h"

namespace genkidama {

/// Calls `visit` with each field in turn; of the action space with each of its own. Does not compile when a
/// field was added that is not named here.
template <typename Spec, typename Visit>
void for_each_field(Spec& spec, Visit visit) {
  auto& [name, observation_size, action_count, time_limit, reward_threshold, observation_shape, action_space,
         masks_actions, metrics, repeatable] = spec;
  auto& [choices, low, high] = action_space;
  visit(name);
  visit(observation_size);
  visit(action_count);
  visit(time_limit);
  visit(reward_threshold);
  visit(observation_shape);
  visit(choices);
  visit(low);
  visit(high);
  visit(masks_actions);
  visit(metrics);
  visit(repeatable);
}

}  // namespace genkidama
