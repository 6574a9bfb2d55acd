#pragma once

// What the library computes for an exported policy, and random inputs for both.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "exported_policies.h"
#include "genkidama/nn/policy_function.h"
#include "genkidama/nn/recurrent_functions.h"
#include "rl/policy_parts.h"

namespace genkidama::test {

class LibraryPolicy {
 public:
  explicit LibraryPolicy(const std::filesystem::path& file) {
    Checkpoint read = read_safetensors(file);
    PolicyRecord record = complete_policy_record(file, read, {});
    parts_ = policy_parts(file, std::move(record), {}, std::move(read));
    if (const auto& normalisation = parts_.record.normalisation)
      normaliser_ = Normaliser(*normalisation, observation_size());
    state.resize(parts_.network->state_size());
    if (state.empty()) {
      function_ = parts_.network->make_policy_function();
    } else {
      recurrent_ = parts_.network->make_recurrent_policy_function();
    }
  }

  std::size_t observation_size() const {
    return static_cast<std::size_t>(parts_.record.sizes->observation_size());
  }
  const ActionSpace& actions() const { return *parts_.record.actions; }

  std::vector<float> outputs(std::span<const float> observation) {
    std::vector<float> input(observation.begin(), observation.end());
    std::vector<float> result(static_cast<std::size_t>(parts_.record.sizes->policy));
    if (normaliser_.changes_observations()) normaliser_.apply(observation, input);
    if (recurrent_) {
      recurrent_->step(parts_.weights, input, 1, state, result);
    } else {
      function_->logits(parts_.weights, input, result);
    }
    return result;
  }

  std::vector<float> action(std::span<const float> outputs, ActionMask mask, Acting acting, Random& random) {
    std::vector<float> chosen(actions().width()), action(chosen.size());
    float ignored = 0;
    parts_.behaviour->act(outputs, mask, acting, random, chosen, ignored);
    parts_.behaviour->to_environment(chosen, action);
    return action;
  }

  /// What sampling takes: a uniform number for each choice, a normal one for each component. They
  /// are those that `random` will give.
  std::vector<float> numbers(Random random) const {
    std::vector<float> numbers;
    for (std::size_t i = 0; i < actions().choices.size(); ++i)
      numbers.push_back(static_cast<float>(random.uniform()));
    for (std::size_t i = 0; i < actions().low.size(); ++i)
      numbers.push_back(static_cast<float>(random.normal()));
    return numbers;
  }

  std::vector<float> observation(Random& random) const {
    std::vector<float> observation(observation_size());
    for (float& value : observation) value = static_cast<float>(3 * random.normal());
    return observation;
  }

  /// One alternative of each choice is allowed, and others by chance.
  std::vector<std::uint8_t> mask(Random& random) const {
    std::vector<std::uint8_t> mask;
    for (const int count : actions().choices) {
      const std::size_t first = mask.size();
      for (int i = 0; i < count; ++i) mask.push_back(random.uniform() < 0.5 ? 1 : 0);
      mask[first + random.below(static_cast<std::uint64_t>(count))] = 1;
    }
    return mask;
  }

  std::vector<float> state;

 private:
  PolicyParts parts_;
  Normaliser normaliser_;
  std::unique_ptr<PolicyFunction> function_;
  std::unique_ptr<RecurrentPolicyFunction> recurrent_;
};

}  // namespace genkidama::test
