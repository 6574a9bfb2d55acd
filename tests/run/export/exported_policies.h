#pragma once

// Policies of every kind that can be exported, with weights that were never trained.

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/nn/networks.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/behaviour.h"
#include "rl/policy_record.h"

namespace genkidama::test {

struct ExportedCase {
  std::string name;
  MlpOptions network;
  NetworkSpec sizes;
  ActionSpace actions;
  std::string behaviour;
  bool normalises = false;
};

inline std::vector<ExportedCase> exported_cases() {
  const ActionSpace one_of_4{{4}, {}, {}}, two_choices{{3, 2}, {}, {}};
  const ActionSpace box{{}, {-2, 0.5f}, {2, 1}}, plane{{}, {-INFINITY, -1}, {INFINITY, 1}};
  const ActionSpace hybrid{{3, 2}, {-1}, {4}};
  const GaussianOptions tanh{.state_dependent_deviation = true, .action_bounds = ActionBounds::kTanh};
  const GaussianOptions from_state{.initial_log_deviation = -0.5, .state_dependent_deviation = true};
  const auto acts = [](const ActionSpace& space, const GaussianOptions& options = {}) {
    return action_behaviour(space, options)->description();
  };
  return {
      {"lander", {.hidden = {64, 64}}, {{8}, 4, 1}, one_of_4, "categorical", true},
      {"two choices",
       {.hidden = {13}, .activation = Activation::kRelu},
       {{3}, 5, 1},
       two_choices,
       acts(two_choices)},
      {"no hidden layers", {.hidden = {}}, {{5}, 4, 0}, one_of_4, "categorical"},
      {"values",
       {.hidden = {9, 20}, .activation = Activation::kSilu, .shared_trunk = true, .layer_norm = true},
       {{3, 4}, 4, 1},
       one_of_4,
       "greedy"},
      {"noisy quantiles",
       {.hidden = {16}, .layer_norm = true},
       {.observation = {6}, .policy = 20, .values = 0, .noisy = true},
       one_of_4,
       "greedy 5"},
      {"free deviations",
       {.hidden = {8, 8}},
       {.observation = {3}, .policy = 4, .free = 2},
       plane,
       acts(plane),
       true},
      {"squashed", {.hidden = {24}, .activation = Activation::kSilu}, {{4}, 4, 1}, box, acts(box, tanh)},
      {"deterministic",
       {.hidden = {32}},
       {.observation = {4}, .policy = 2, .values = 0, .critics = 2, .critic_actions = 2},
       box,
       "deterministic",
       true},
      {"hybrid", {.hidden = {10}}, {{7}, 7, 1}, hybrid, acts(hybrid, from_state)},
      {"memory", {.hidden = {16}, .memory = 12}, {{5}, 4, 1}, one_of_4, "categorical", true},
      {"memory behind a trunk",
       {.hidden = {11}, .shared_trunk = true, .layer_norm = true, .memory = 9},
       {{5}, 7, 1},
       hybrid,
       acts(hybrid)},
  };
}

/// Writes the policy of a case and returns what it is made of.
inline PolicyRecord write_policy(const std::filesystem::path& path, const ExportedCase& policy) {
  const auto network = make_network(mlp_network(policy.network), policy.sizes, 1);
  Random random(7);
  std::vector<float> weights(network->layout().size());
  for (float& weight : weights) weight = static_cast<float>(random.uniform(-0.5, 0.5));
  PolicyRecord record{.environment = "Robot-v2",
                      .network = network->description(),
                      .sizes = policy.sizes,
                      .action_width = policy.actions.width(),
                      .actions = policy.actions,
                      .behaviour = policy.behaviour};
  if (policy.normalises) {
    const auto size = static_cast<std::size_t>(policy.sizes.observation_size());
    RunningStatistics statistics(Normalisation::components(size));
    std::vector<float> sample(size + 1);
    for (int i = 0; i < 50; ++i) {
      for (float& value : sample) value = static_cast<float>(3 + 2 * random.normal());
      statistics.add(sample);
    }
    record.normalisation = Normalisation{.observations = true, .clip = 5, .statistics = statistics};
  }
  write_safetensors(path, {network->layout(), weights, to_metadata(record)});
  return record;
}

}  // namespace genkidama::test
