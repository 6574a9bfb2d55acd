#include "genkidama/rl/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/core/utf8.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/rl/algorithm.h"
#include "nn/bundled_network.h"
#include "params/checkpoint_layout.h"
#include "rl/normalisation.h"
#include "rl/policy_record.h"

namespace genkidama {
namespace {

using Path = std::filesystem::path;

/// Completes what the file says by what its tensors and the options show.
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

class Policy::Impl {
 public:
  Impl(const Path& path, const PolicyRecord& record, PolicyOptions options, Checkpoint file)
      : sizes_(*record.sizes),
        acting_(options.acting),
        random_(options.seed),
        network_(network_of(path, record, options.network)),
        behaviour_(behaviour_of(path, record, options)),
        actions_(record.actions),
        normaliser_(record.normalisation ? Normaliser(*record.normalisation,
                                                      static_cast<std::size_t>(sizes_.observation_size()))
                                         : Normaliser()),
        chosen_(record.action_width.value_or(1)),
        action_(chosen_.size()) {
    file = in_layout(path, std::move(file), network_->layout());
    weights_ = std::move(file.weights);
    metadata_ = std::move(file.metadata);
    // Only now: the tensors vouch for the sizes, which are nothing but text before.
    outputs_.resize(static_cast<std::size_t>(sizes_.policy));
    state_.resize(network_->state_size());
    if (state_.empty()) {
      function_ = network_->make_policy_function();
    } else {
      recurrent_ = network_->make_recurrent_policy_function();
    }
    if (!function_ && !recurrent_) throw ArgumentError("the network made no policy function; expected one");
  }

  void reset() { std::fill(state_.begin(), state_.end(), 0.0f); }

  Action act(Observation observation, ActionMask mask) {
    if (!mask.empty() && actions_) check_action_mask("Policy::act()", *actions_, mask);
    if (observation.size() != static_cast<std::size_t>(sizes_.observation_size())) {
      throw ArgumentError(fmt::format("an observation of {} floats was given to a policy that takes {}",
                                      observation.size(), sizes_.observation_size()));
    }
    if (const auto bad = first_non_finite(observation); bad != observation.size()) {
      throw ArgumentError(
          fmt::format("value {} of the observation is {}; expected finite numbers", bad, observation[bad]));
    }
    if (normaliser_.changes_observations()) {
      normalised_.resize(observation.size());
      normaliser_.apply(observation, normalised_);
      observation = normalised_;
    }
    if (recurrent_) {
      recurrent_->step(weights_, observation, 1, state_, outputs_);
    } else {
      function_->logits(weights_, observation, outputs_);
    }
    if (const auto bad = first_non_finite(outputs_); bad != outputs_.size()) {
      throw Error(
          fmt::format("the network gave {} as policy output {}, from finite weights; expected finite "
                      "numbers: see the network's forward pass",
                      outputs_[bad], bad));
    }
    float log_probability = 0;
    behaviour_->act(outputs_, mask, acting_, random_, chosen_, log_probability);
    behaviour_->to_environment(chosen_, action_);
    return action_;
  }

  const NetworkSpec& sizes() const { return sizes_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  NetworkSpec sizes_;
  Acting acting_;
  Random random_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<PolicyFunction> function_;
  std::unique_ptr<RecurrentPolicyFunction> recurrent_;  ///< in its place, of a network with memory
  std::vector<float> state_;
  std::shared_ptr<const Behaviour> behaviour_;
  std::optional<ActionSpace> actions_;  ///< empty: an older file did not say
  Normaliser normaliser_;
  std::vector<float> normalised_;
  std::vector<float> weights_;
  std::map<std::string, std::string> metadata_;
  std::vector<float> outputs_;
  std::vector<float> chosen_;
  std::vector<float> action_;
};

Policy::Policy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Policy::Policy(Policy&&) noexcept = default;
Policy& Policy::operator=(Policy&&) noexcept = default;
Policy::~Policy() = default;

Action Policy::act(Observation observation, ActionMask mask) {
  return impl_->act(observation, mask);
}

void Policy::reset() {
  impl_->reset();
}

const NetworkSpec& Policy::sizes() const {
  return impl_->sizes();
}

const std::map<std::string, std::string>& Policy::metadata() const {
  return impl_->metadata();
}

Policy load_policy(const Path& file, PolicyOptions options) {
  Checkpoint read = read_safetensors(file);
  PolicyRecord record = record_of(file, read, options);
  if (options.environment) {
    check_environment_of(file, record, *options.environment);
    if (!record.actions) record.actions = completed(*options.environment).action_space;
  }
  if (!record.actions && !options.behaviour && record.action_width.value_or(1) == 1)
    record.actions = ActionSpace{.choices = {record.sizes->policy}, .low = {}, .high = {}};
  if (record.actions) {
    if (record.action_width.value_or(record.actions->width()) != record.actions->width()) {
      throw FormatError(fmt::format(
          "'{}' does not say what policy it holds: by its metadata an action has {} numbers, and is {}",
          file.string(), *record.action_width, action_space_text(*record.actions)));
    }
    record.action_width = record.actions->width();
  }
  return Policy(std::make_unique<Policy::Impl>(file, record, std::move(options), std::move(read)));
}

}  // namespace genkidama
