#include "genkidama/rl/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/params/weighted_average.h"
#include "rl/evaluation_seeds.h"
#include "rl/normalisation.h"
#include "rl/policy_parts.h"

namespace genkidama {

class Policy::Impl {
 public:
  Impl(PolicyParts parts, const PolicyOptions& options)
      : sizes_(*parts.record.sizes),
        acting_(options.acting),
        random_(options.seed),
        network_(std::move(parts.network)),
        behaviour_(std::move(parts.behaviour)),
        actions_(parts.record.actions),
        normaliser_(
            parts.record.normalisation
                ? Normaliser(*parts.record.normalisation, static_cast<std::size_t>(sizes_.observation_size()))
                : Normaliser()),
        weights_(std::move(parts.weights)),
        metadata_(std::move(parts.metadata)),
        chosen_(parts.record.action_width.value_or(1)),
        action_(chosen_.size()) {
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

  void reset(std::uint64_t seed) {
    reset();
    // As a worker does that evaluates.
    random_ = Random(sampled_actions_seed(seed));
  }

  std::span<float> state() { return state_; }
  Acting acting() const { return acting_; }
  const std::optional<ActionSpace>& actions() const { return actions_; }

  Action act(Observation observation, ActionMask mask, Acting acting) {
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
    behaviour_->act(outputs_, mask, acting, random_, chosen_, log_probability);
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
  return impl_->act(observation, mask, impl_->acting());
}

Action Policy::act(Observation observation, ActionMask mask, Acting acting) {
  return impl_->act(observation, mask, acting);
}

void Policy::reset() {
  impl_->reset();
}

void Policy::reset(std::uint64_t seed) {
  impl_->reset(seed);
}

std::span<float> Policy::state() {
  return impl_->state();
}

const std::optional<ActionSpace>& Policy::actions() const {
  return impl_->actions();
}

const NetworkSpec& Policy::sizes() const {
  return impl_->sizes();
}

const std::map<std::string, std::string>& Policy::metadata() const {
  return impl_->metadata();
}

Policy load_policy(const std::filesystem::path& file, PolicyOptions options) {
  return make_policy(read_safetensors(file), std::move(options), file.string());
}

Policy make_policy(Checkpoint policy, PolicyOptions options, const std::string& name) {
  // A file was read strictly; who hands in weights may be mistaken.
  if (policy.weights.size() != policy.layout.size()) {
    throw ArgumentError(fmt::format("{} has {} weights; expected {}, as its layout says", name,
                                    policy.weights.size(), policy.layout.size()));
  }
  if (const auto bad = first_non_finite(policy.weights); bad != policy.weights.size()) {
    throw FormatError(
        fmt::format("weight {} of {} is {}; expected finite numbers", bad, name, policy.weights[bad]));
  }
  PolicyRecord record = complete_policy_record(name, policy, options);
  return Policy(std::make_unique<Policy::Impl>(
      policy_parts(name, std::move(record), options, std::move(policy)), options));
}

}  // namespace genkidama
