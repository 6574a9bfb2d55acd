#include "rl/policy_parts.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/rl/algorithm.h"
#include "nn/bundled_network.h"
#include "params/checkpoint_layout.h"

namespace genkidama {
namespace {

using Path = std::filesystem::path;

/// Completes what the file says of its network by what its tensors and the options show.
PolicyRecord record_of(const Path& path, const Checkpoint& file, const PolicyOptions& options) {
  PolicyRecord record = policy_record(path, file.metadata);
  if (record.sizes) return record;
  // A file of version 0.1, which says nothing of its network.
  if (const auto recognised = recognise_bundled_network(file.layout)) {
    record.sizes = recognised->sizes;
    if (!options.network) record.network = recognised->description;
  } else if (options.environment) {
    record.sizes = actor_critic_network(*options.environment);
  } else {
    throw ArgumentError(
        fmt::format("'{}' does not say what its network takes and gives, and its tensors are those of no "
                    "bundled network; give PolicyOptions::environment and PolicyOptions::network",
                    path.string()));
  }
  return record;
}

std::string actions_text(const ActionSpace& space) {
  return space.is_one_choice() ? fmt::format("{} actions", space.choices[0])
                               : "actions of " + action_space_text(space);
}

/// Files of version 0.1 hold one choice, and say nothing of it.
std::string actions_text(const PolicyRecord& record) {
  if (record.actions) return actions_text(*record.actions);
  const std::size_t width = record.action_width.value_or(1);
  return width == 1 ? fmt::format("{} actions", record.sizes->policy)
                    : fmt::format("actions of {} numbers", width);
}

std::string sizes_text(const std::vector<int>& observation, const std::string& actions) {
  return fmt::format("observations of {}, {}",
                     shape_text(std::vector<std::int64_t>(observation.begin(), observation.end())), actions);
}

bool has_actions(const PolicyRecord& record, const EnvironmentSpec& spec) {
  if (record.actions) return *record.actions == spec.action_space;
  return record.action_width.value_or(1) == spec.action_space.width() &&
         (!spec.action_space.is_one_choice() || record.sizes->policy == spec.action_count);
}

void check_environment_of(const Path& path, const PolicyRecord& record, const EnvironmentSpec& given) {
  const EnvironmentSpec spec = completed(given);
  const bool same_name = record.environment.empty() || record.environment == to_utf8(spec.name);
  if (same_name && record.sizes->observation == spec.observation_shape && has_actions(record, spec)) return;
  const std::string held = sizes_text(record.sizes->observation, actions_text(record));
  const std::string wanted = sizes_text(spec.observation_shape, actions_text(spec.action_space));
  throw LayoutError(fmt::format("'{}' is a policy for environment '{}' ({}), not for '{}' ({}{})",
                                path.string(), record.environment.empty() ? "unknown" : record.environment,
                                held, spec.name, wanted,
                                same_name && held == wanted ? " with other choices or bounds" : ""));
}

std::unique_ptr<Network> network_of(const Path& path, const PolicyRecord& record,
                                    const NetworkFactory& given) {
  const NetworkFactory make = given ? given : bundled_network(record.network);
  if (!make) {
    const std::string which =
        record.network.empty()
            ? "does not name its network"
            : fmt::format("holds the network '{}', which does not come with the library", record.network);
    throw ArgumentError(fmt::format("'{}' {}; give PolicyOptions::network", path.string(), which));
  }
  auto network = make_network(make, *record.sizes, 0);
  check_same_network(path, record, network->description());
  return network;
}

std::shared_ptr<const Behaviour> behaviour_of(const Path& path, const PolicyRecord& record,
                                              const PolicyOptions& options) {
  if (options.behaviour) return options.behaviour;
  if (record.behaviour.empty() || !record.actions) {
    const std::size_t width = record.action_width.value_or(1);
    if (width == 1 && (!record.actions || record.actions->is_one_choice())) return categorical();
    throw ArgumentError(
        fmt::format("'{}' is a policy whose actions have {} numbers, and categorical() gives one; "
                    "give PolicyOptions::behaviour",
                    path.string(), width));
  }
  std::shared_ptr<const Behaviour> behaviour;
  try {
    behaviour = described_behaviour(record.behaviour, *record.actions);
  } catch (const ArgumentError& error) {
    throw FormatError(
        fmt::format("'{}' does not say what policy it holds: its metadata's 'behaviour' is '{}', and {}",
                    path.string(), record.behaviour, error.what()));
  }
  if (!behaviour) {
    throw ArgumentError(fmt::format(
        "'{}' holds a policy that acts by '{}', which does not come with the library for {}; give "
        "PolicyOptions::behaviour",
        path.string(), record.behaviour, action_space_text(*record.actions)));
  }
  const int taken = described_outputs(record.behaviour, *record.actions);
  // Free outputs that no action is chosen from may stand behind the others.
  if (record.sizes->policy != taken && record.sizes->policy - record.sizes->free != taken) {
    throw FormatError(fmt::format(
        "'{}' does not say what policy it holds: by its metadata its network has {} policy outputs, and "
        "'{}' takes {} for {}",
        path.string(), record.sizes->policy, record.behaviour, taken, action_space_text(*record.actions)));
  }
  return behaviour;
}

}  // namespace

PolicyRecord complete_policy_record(const Path& path, const Checkpoint& file, const PolicyOptions& options) {
  PolicyRecord record = record_of(path, file, options);
  if (options.environment) {
    check_environment_of(path, record, *options.environment);
    if (!record.actions) record.actions = completed(*options.environment).action_space;
  }
  if (!record.actions && !options.behaviour && record.action_width.value_or(1) == 1)
    record.actions = ActionSpace{.choices = {record.sizes->policy}, .low = {}, .high = {}};
  if (record.actions) {
    if (record.action_width.value_or(record.actions->width()) != record.actions->width()) {
      throw FormatError(fmt::format(
          "'{}' does not say what policy it holds: by its metadata an action has {} numbers, and is {}",
          path.string(), *record.action_width, action_space_text(*record.actions)));
    }
    record.action_width = record.actions->width();
  }
  return record;
}

PolicyParts policy_parts(const Path& path, PolicyRecord record, const PolicyOptions& options,
                         Checkpoint file) {
  PolicyParts parts;
  parts.network = network_of(path, record, options.network);
  parts.behaviour = behaviour_of(path, record, options);
  file = in_layout(path, std::move(file), parts.network->layout());
  parts.weights = std::move(file.weights);
  parts.metadata = std::move(file.metadata);
  parts.record = std::move(record);
  return parts;
}

}  // namespace genkidama
