#include "run/export/portable_policy.h"

#include <fmt/format.h>

#include <string_view>

#include "genkidama/core/error.h"
#include "nn/bundled_network.h"

namespace genkidama::run {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view kGreedy = "greedy", kDeterministic = "deterministic";

[[noreturn]] void refuse(const Path& path, const std::string& why) {
  throw ArgumentError(fmt::format(
      "'{}' {}; only policies with a network such as 'mlp 64 64 tanh' and a way of acting such as "
      "'categorical', which come with the library, can be exported",
      path.string(), why));
}

bool is_known(const std::string& behaviour, const ActionSpace& actions) {
  try {
    return described_behaviour(behaviour, actions) != nullptr;
  } catch (const ArgumentError&) {
    return true;  // and wrong for this space, as policy_parts() will say
  }
}

/// As a network's factory is asked: make_network() adds the rest.
NetworkSpec bound_spec(const NetworkSpec& sizes) {
  NetworkSpec spec = sizes;
  spec.policy -= sizes.free;
  spec.free = 0;
  spec.noisy = false;
  return spec;
}

void take_weights(const std::vector<float>& weights, PortablePolicy& policy) {
  const std::size_t count = policy.shape.trunk_stack().floats() + policy.shape.memory.floats() +
                            policy.shape.policy_stack().floats();
  const auto free = static_cast<std::ptrdiff_t>(policy.sizes.free);
  policy.weights.assign(weights.begin(), weights.begin() + static_cast<std::ptrdiff_t>(count));
  policy.free.assign(weights.end() - free, weights.end());
}

void take_behaviour(const Path& path, PortablePolicy& policy) {
  const std::string_view behaviour = policy.behaviour;
  if (behaviour.starts_with(kGreedy)) {
    if (!policy.actions.is_one_choice()) {
      throw FormatError(fmt::format(
          "'{}' does not say what policy it holds: by its metadata it acts by '{}' and its actions are {}",
          path.string(), behaviour, action_space_text(policy.actions)));
    }
    const auto taken = described_outputs(behaviour, policy.actions);
    policy.outputs_each = taken / static_cast<int>(policy.actions.alternatives());
    return;
  }
  const bool is_deterministic = behaviour == kDeterministic;
  const GaussianOptions options = described_options(behaviour).value_or(GaussianOptions());
  const GaussianUnits units(policy.actions, options);
  policy.components = units.components();
  policy.unit = is_deterministic || units.squashes() ? ContinuousUnit::kTanh : ContinuousUnit::kOutput;
  policy.is_sampled = !is_deterministic;
  policy.log_deviation_offset = units.log_deviation_offset();
}

}  // namespace

PolicyRecord portable_record(const Path& path, const Checkpoint& file) {
  if (!policy_record(path, file.metadata).sizes && !recognise_bundled_network(file.layout))
    refuse(path, "does not say what its network takes and gives");
  PolicyRecord record = complete_policy_record(path, file, {});
  if (!bundled_network(record.network))
    refuse(path, fmt::format("holds the network '{}', which does not come with the library", record.network));
  const bool is_choice = record.actions && record.actions->is_one_choice();
  if (record.behaviour.empty() && is_choice) return record;
  if (!record.actions || !is_known(record.behaviour, *record.actions)) {
    refuse(path, fmt::format("holds a policy that acts by '{}', which does not come with the library",
                             record.behaviour));
  }
  return record;
}

PortablePolicy portable_policy(const Path& path, const PolicyParts& parts) {
  PortablePolicy policy;
  policy.environment = parts.record.environment;
  policy.network = parts.network->description();
  policy.behaviour = parts.behaviour->description();
  policy.sizes = *parts.record.sizes;
  policy.actions = *parts.record.actions;
  if (parts.record.normalisation)
    policy.normaliser = Normaliser(*parts.record.normalisation, policy.observation_size());
  policy.shape = mlp_shape(bound_spec(policy.sizes), *mlp_options(bundled_network(policy.network)));
  take_weights(parts.weights, policy);
  take_behaviour(path, policy);
  return policy;
}

PortableLayer layer_with_free(std::span<const float> weight, std::span<const float> bias,
                              std::span<const float> free, std::size_t in) {
  PortableLayer layer{{weight.begin(), weight.end()}, {bias.begin(), bias.end()}};
  layer.bias.insert(layer.bias.end(), free.begin(), free.end());
  layer.weight.resize(layer.bias.size() * in);
  return layer;
}

ComponentColumns columns_of(const std::vector<GaussianUnits::Component>& components) {
  ComponentColumns columns;
  for (const auto& component : components) {
    columns.low.push_back(component.low);
    columns.high.push_back(component.high);
    columns.centre.push_back(component.centre);
    columns.half_range.push_back(component.half_range);
  }
  return columns;
}

}  // namespace genkidama::run
