#include "nn/mlp_shape.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "nn/bundled_network.h"

namespace genkidama {

MlpShape mlp_shape(const NetworkSpec& spec, const MlpOptions& options) {
  if (spec.observation_size() < 1 || spec.policy < 1 || spec.values < 0 || spec.values > 1) {
    throw ArgumentError(fmt::format(
        "a multi-layer perceptron was asked for with {} floats of observation, {} policy outputs and {} "
        "values; expected at least 1, at least 1, and 0 or 1",
        spec.observation_size(), spec.policy, spec.values));
  }
  if (spec.free != 0) {
    throw ArgumentError(
        fmt::format("a multi-layer perceptron was asked for with {} free outputs; expected 0: make_network() "
                    "adds them to any "
                    "network",
                    spec.free));
  }
  if (spec.noisy) {
    throw ArgumentError(
        "a multi-layer perceptron was asked for with noisy layers; expected none: make_network() adds the "
        "noise to any network");
  }
  if (spec.critics < 0 || (spec.critics > 0) != (spec.critic_actions > 0)) {
    throw ArgumentError(
        fmt::format("a multi-layer perceptron was asked for with {} critics of {} numbers of an action; "
                    "expected at least 1 of each, or 0 of both",
                    spec.critics, spec.critic_actions));
  }
  if (spec.critics > 0 && (options.memory > 0 || options.shared_trunk)) {
    throw ArgumentError(fmt::format(
        "the network '{}' was asked for with {} critics, which share nothing with the policy and remember "
        "nothing; expected a network without a shared trunk and without memory",
        mlp_description(options), spec.critics));
  }
  std::vector<int> layers{spec.observation_size()};
  layers.insert(layers.end(), options.hidden.begin(), options.hidden.end());
  MlpShape shape;
  shape.style = {options.activation, options.layer_norm};
  // Without hidden layers there is nothing to share.
  if (options.shared_trunk && !options.hidden.empty()) {
    shape.trunk = layers;
    layers = {layers.back()};
  }
  if (options.memory > 0) {
    shape.memory = {static_cast<std::size_t>(layers.front()), static_cast<std::size_t>(options.memory)};
    layers.front() = options.memory;
  }
  shape.policy = layers;
  shape.policy.push_back(spec.policy);
  if (spec.critics > 0) {
    shape.critics = spec.critics;
    shape.critic_actions = spec.critic_actions;
    shape.critic = layers;
    shape.critic.front() += spec.critic_actions;
    shape.critic.push_back(1);
  }
  if (spec.values == 0) return shape;
  shape.value = layers;
  shape.value.push_back(1);
  return shape;
}

}  // namespace genkidama
