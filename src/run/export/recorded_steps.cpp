#include "run/export/recorded_steps.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>

#include "genkidama/core/random.h"
#include "genkidama/nn/policy_function.h"
#include "genkidama/nn/recurrent_functions.h"

namespace genkidama::run {
namespace {

constexpr std::size_t kMostSteps = 16, kLeastSteps = 2, kMostFloats = 8192;
constexpr std::uint64_t kSeed = 1;

/// Outputs of the network as it plays, with and without memory.
class Outputs {
 public:
  Outputs(const PolicyParts& parts, const PortablePolicy& policy)
      : weights_(parts.weights), state_(policy.shape.memory.units) {
    if (state_.empty()) {
      function_ = parts.network->make_policy_function();
    } else {
      recurrent_ = parts.network->make_recurrent_policy_function();
    }
  }

  void forget() { std::fill(state_.begin(), state_.end(), 0.0f); }

  void compute(std::span<const float> observation, std::span<float> outputs) {
    if (recurrent_) {
      recurrent_->step(weights_, observation, 1, state_, outputs);
    } else {
      function_->logits(weights_, observation, outputs);
    }
  }

 private:
  std::span<const float> weights_;
  std::vector<float> state_;
  std::unique_ptr<PolicyFunction> function_;
  std::unique_ptr<RecurrentPolicyFunction> recurrent_;
};

void draw_observation(const PortablePolicy& policy, Random& random, std::span<float> observation) {
  const Normaliser& normaliser = policy.normaliser;
  for (std::size_t i = 0; i < observation.size(); ++i) {
    double value = random.normal();
    if (normaliser.changes_observations()) value = normaliser.means()[i] + value / normaliser.scales()[i];
    constexpr double kLargest = std::numeric_limits<float>::max();
    observation[i] = static_cast<float>(std::clamp(value, -kLargest, kLargest));
  }
}

/// Forbids up to half of the alternatives of each choice in every other step.
void draw_mask(const PortablePolicy& policy, std::size_t step, Random& random, std::span<std::uint8_t> mask) {
  std::fill(mask.begin(), mask.end(), std::uint8_t{1});
  if (step % 2 == 0) return;
  std::size_t first = 0;
  for (const int count : policy.actions.choices) {
    const auto alternatives = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < alternatives / 2; ++i) mask[first + random.below(alternatives)] = 0;
    first += alternatives;
  }
}

/// Whether rounding could change which of these alternatives is the best.
bool is_close(std::span<const float> outputs, std::size_t each, std::span<const std::uint8_t> mask) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  float best = kLowest, second = kLowest;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0) continue;
    float sum = 0;
    for (const float output : outputs.subspan(i * each, each)) sum += output;
    second = std::max(second, std::min(best, sum));
    best = std::max(best, sum);
  }
  return best - second < 1e-4f * std::max(1.0f, std::abs(best));
}

void open_close_choices(const PortablePolicy& policy, std::span<const float> outputs,
                        std::span<const std::uint8_t> mask, std::span<float> action) {
  const auto each = static_cast<std::size_t>(policy.outputs_each);
  for (std::size_t i = 0; i < policy.actions.choices.size(); ++i) {
    const auto alternatives = static_cast<std::size_t>(policy.actions.choices[i]);
    if (is_close(outputs.first(alternatives * each), each, mask.first(alternatives)))
      action[i] = RecordedSteps::kOpen;
    outputs = outputs.subspan(alternatives * each);
    mask = mask.subspan(alternatives);
  }
}

}  // namespace

RecordedSteps record_steps(const PortablePolicy& policy, const PolicyParts& parts) {
  const std::size_t observation_size = policy.observation_size(), output_size = policy.output_size();
  const std::size_t alternatives = policy.actions.alternatives(), width = policy.actions.width();
  RecordedSteps steps;
  steps.count = std::clamp(kMostFloats / observation_size, kLeastSteps, kMostSteps);
  steps.observations.resize(steps.count * observation_size);
  steps.masks.resize(steps.count * alternatives);
  steps.outputs.resize(steps.count * output_size);
  steps.actions.resize(steps.count * width);
  Outputs network(parts, policy);
  Random random(kSeed);
  std::vector<float> normalised(observation_size), chosen(width);
  for (std::size_t step = 0; step < steps.count; ++step) {
    const auto observation = std::span(steps.observations).subspan(step * observation_size, observation_size);
    const auto mask = std::span(steps.masks).subspan(step * alternatives, alternatives);
    const auto outputs = std::span(steps.outputs).subspan(step * output_size, output_size);
    const auto action = std::span(steps.actions).subspan(step * width, width);
    draw_observation(policy, random, observation);
    draw_mask(policy, step, random, mask);
    std::span<const float> input = observation;
    if (policy.normaliser.changes_observations()) {
      policy.normaliser.apply(observation, normalised);
      input = normalised;
    }
    if (step % RecordedSteps::kEpisode == 0) network.forget();
    network.compute(input, outputs);
    float log_probability = 0;
    parts.behaviour->act(outputs, mask, Acting::kGreedy, random, chosen, log_probability);
    parts.behaviour->to_environment(chosen, action);
    open_close_choices(policy, outputs, mask, action);
  }
  return steps;
}

}  // namespace genkidama::run
