// Networks with memory whose actions are masked, continuous or both: the gradients of whole algorithms.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numbers>
#include <span>
#include <vector>

#include "genkidama/nn/free_outputs.h"
#include "genkidama/rl/returns.h"
#include "genkidama/rl/segment_returns.h"
#include "learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr std::size_t kUnits = 5, kObservation = 3;

struct Case {
  const char* name;
  ActionSpace space;
  bool masked = false;
  bool state_dependent = false;
};

const std::vector<Case> kCases = {
    {"masked choices", {.choices = {3, 2}, .low = {}, .high = {}}, true},
    {"a Box", {.choices = {}, .low = {-1, 0}, .high = {1, 4}}},
    {"a Box with deviations of the state", {.choices = {}, .low = {-1}, .high = {1}}, false, true},
    {"a hybrid", {.choices = {3}, .low = {-2}, .high = {2}}},
    {"a masked hybrid", {.choices = {3, 2}, .low = {-2, -1}, .high = {2, 1}}, true},
};

EnvironmentSpec environment_of(const Case& each) {
  EnvironmentSpec spec;
  spec.name = "test";
  spec.observation_size = kObservation;
  spec.action_space = each.space;
  spec.masks_actions = each.masked;
  spec.time_limit = 100;
  return completed(spec);
}

Hyperparameters hyperparameters_of(const Case& each) {
  Hyperparameters hyper;
  hyper.gamma = 0.95;
  hyper.gae_lambda = 0.9;
  hyper.value_weight = 0.5;
  hyper.entropy_weight = 0.02;
  hyper.epochs = 1;
  hyper.normalise_advantages = false;
  hyper.epsilon = 0;
  hyper.state_dependent_deviation = each.state_dependent;
  hyper.initial_log_deviation = -0.3;
  return hyper;
}

LocalNetwork network_of(const Algorithm& algorithm, const EnvironmentSpec& spec, Random& random) {
  const NetworkSpec sizes = algorithm.network(spec);
  LocalNetwork network(
      make_network(mlp_network({.hidden = {6}, .orthogonal = false, .memory = kUnits}), sizes, 4), sizes);
  for (float& w : network.weights()) w += static_cast<float>(random.uniform(-0.5, 0.5));
  return network;
}

std::span<const float> observation_of(const Segment& segment, std::size_t t) {
  return std::span(segment.observations).subspan(kObservation * t, kObservation);
}

ActionMask mask_of(const Segment& segment, std::size_t t, std::size_t alternatives) {
  return segment.masks.empty() ? ActionMask()
                               : ActionMask(segment.masks).subspan(alternatives * t, alternatives);
}

/// What a worker hands over: actions of the network's own policy, with the states that led to them.
Segment played(LocalNetwork& network, const Case& each, const Behaviour& behaviour, std::size_t steps,
               Random& random) {
  Segment segment;
  for (std::size_t i = 0; i < kUnits; ++i)
    segment.first_state.push_back(static_cast<float>(random.uniform(-1, 1)));
  std::vector<float> state = segment.first_state, outputs(static_cast<std::size_t>(network.spec().policy));
  const auto observe = [&](std::vector<float>& into) {
    for (std::size_t k = 0; k < kObservation; ++k) into.push_back(static_cast<float>(random.uniform(-1, 1)));
  };
  const std::size_t alternatives = each.space.alternatives();
  for (std::size_t t = 0; t < steps; ++t) {
    observe(segment.observations);
    if (each.masked) {
      for (const int count : each.space.choices) {
        for (int k = 0; k < count; ++k) segment.masks.push_back(random.below(2) != 0);
        segment.masks[segment.masks.size() - 1 - random.below(static_cast<std::uint64_t>(count))] = 1;
      }
    }
    network.recurrent_policy().step(network.weights(), observation_of(segment, t), 1, state, outputs);
    std::vector<float> chosen(each.space.width());
    float log_probability = 0;
    behaviour.act(outputs, mask_of(segment, t, alternatives), Acting::kSampling, random, chosen,
                  log_probability);
    segment.actions.insert(segment.actions.end(), chosen.begin(), chosen.end());
    segment.log_probabilities.push_back(log_probability);
    segment.rewards.push_back(static_cast<float>(random.uniform(-1, 1)));
  }
  observe(segment.last_observation);
  segment.last_state = state;
  return segment;
}

/// Log-probability and entropy of one action by their definitions.
struct Chance {
  double log_probability = 0, entropy = 0;
};

Chance chance_of(const Case& each, std::span<const float> outputs, ActionMask mask,
                 std::span<const float> chosen) {
  Chance result;
  std::size_t first = 0, part = 0;
  for (const int alternatives : each.space.choices) {
    const auto count = static_cast<std::size_t>(alternatives);
    const auto allowed = [&](std::size_t k) { return mask.empty() || mask[first + k] != 0; };
    double sum = 0;
    for (std::size_t k = 0; k < count; ++k) sum += allowed(k) ? std::exp(double{outputs[first + k]}) : 0;
    for (std::size_t k = 0; k < count; ++k) {
      if (!allowed(k)) continue;
      const double log_share = outputs[first + k] - std::log(sum);
      result.entropy -= std::exp(log_share) * log_share;
      if (static_cast<std::size_t>(chosen[part]) == k) result.log_probability += log_share;
    }
    first += count;
    ++part;
  }
  const std::size_t components = each.space.low.size();
  for (std::size_t k = 0; k < components; ++k, ++part) {
    // A learnt constant begins as the initial log-deviation; what the state says is added to it.
    const double log_deviation = outputs[first + components + k] + (each.state_dependent ? -0.3 : 0);
    const double z = (chosen[part] - outputs[first + k]) / std::exp(log_deviation);
    result.log_probability -= z * z / 2 + log_deviation + std::log(2 * std::numbers::pi) / 2;
    result.entropy += log_deviation + std::log(2 * std::numbers::pi * std::numbers::e) / 2;
  }
  return result;
}

struct Evaluated {
  std::vector<double> log_probability, value;
  double entropy = 0;
};

Evaluated evaluate(LocalNetwork& network, const Case& each, const Segment& segment) {
  Evaluated result;
  std::vector<float> outputs(static_cast<std::size_t>(network.spec().policy)), state = segment.first_state;
  const std::size_t width = each.space.width();
  for (std::size_t t = 0; t < segment.size(); ++t) {
    result.value.push_back(
        network.recurrent_policy().value(network.weights(), observation_of(segment, t), state));
    network.recurrent_policy().step(network.weights(), observation_of(segment, t), 1, state, outputs);
    const Chance chance = chance_of(each, outputs, mask_of(segment, t, each.space.alternatives()),
                                    std::span(segment.actions).subspan(width * t, width));
    result.log_probability.push_back(chance.log_probability);
    result.entropy += chance.entropy / static_cast<double>(segment.size());
  }
  return result;
}

void check_by_differences(LocalNetwork& network, std::span<const float> gradient,
                          const std::function<double()>& loss) {
  double largest = 0;
  for (const float g : gradient) largest = std::max(largest, std::abs(static_cast<double>(g)));
  // Every third weight and the last ones, which are the learnt deviations where there are any.
  for (std::size_t k = 0; k < gradient.size(); k += k + 8 < gradient.size() ? 3 : 1) {
    float& weight = network.weights()[k];
    const float at = weight;
    const auto slope = [&](float step) {
      weight = at + step;
      const double high = loss();
      weight = at - step;
      const double low = loss();
      weight = at;
      return (high - low) / (2 * step);
    };
    CAPTURE(k);
    CHECK(gradient[k] == Approx((4 * slope(0.01f) - slope(0.02f)) / 3).margin(5e-3 * largest));
  }
}

std::unique_ptr<Learner> learner_for(const Algorithm& algorithm, const EnvironmentSpec& spec,
                                     LocalNetwork& network, GradientSink& sink) {
  return algorithm.make_learner(
      {.environment = spec, .network = network, .sink = sink, .shared_state = {}, .replay = nullptr});
}

}  // namespace

TEST_CASE("A3C's gradient through a memory is right for every form of an action, by finite differences") {
  for (const Case& each : kCases) {
    CAPTURE(each.name);
    Random random(21);
    const EnvironmentSpec spec = environment_of(each);
    const Hyperparameters hyper = hyperparameters_of(each);
    const auto algorithm = a3c(hyper);
    LocalNetwork network = network_of(*algorithm, spec, random);
    const Segment segment = played(network, each, *algorithm->make_behaviour(spec), 12, random);
    const Evaluated before = evaluate(network, each, segment);
    // Played and learnt probabilities are the same.
    for (std::size_t t = 0; t < 12; ++t)
      CHECK(segment.log_probabilities[t] == Approx(before.log_probability[t]).margin(1e-4));
    const float beyond = bootstrap_value(segment, hyper, network);
    std::vector<float> values(before.value.begin(), before.value.end()), advantages(12);
    generalised_advantages(segment.rewards, values, beyond, hyper.gamma, hyper.gae_lambda, advantages);
    Recorder recorder;
    learner_for(*algorithm, spec, network, recorder)->learn_segment(segment);
    REQUIRE(recorder.steps == 1);
    check_by_differences(network, recorder.gradient, [&] {
      const Evaluated now = evaluate(network, each, segment);
      double total = 0;
      for (std::size_t t = 0; t < 12; ++t) {
        const double error = advantages[t] + values[t] - now.value[t];
        total += hyper.value_weight * error * error - now.log_probability[t] * advantages[t];
      }
      return total / 12 - hyper.entropy_weight * now.entropy;
    });
  }
}

TEST_CASE("PPO's gradient through a memory is right for every form of an action, by finite differences") {
  for (const Case& each : kCases) {
    CAPTURE(each.name);
    Random random(22);
    const EnvironmentSpec spec = environment_of(each);
    const Hyperparameters hyper = hyperparameters_of(each);
    const auto algorithm = ppo(hyper);
    LocalNetwork network = network_of(*algorithm, spec, random);
    const Segment segment = played(network, each, *algorithm->make_behaviour(spec), 16, random);
    const Evaluated old = evaluate(network, each, segment);
    std::vector<float> values(old.value.begin(), old.value.end()), advantages(16);
    generalised_advantages(segment.rewards, values, bootstrap_value(segment, hyper, network), hyper.gamma,
                           hyper.gae_lambda, advantages);
    Recorder recorder;
    const auto learner = learner_for(*algorithm, spec, network, recorder);
    learner->learn_segment(segment);
    learner->learn_round(random);
    REQUIRE(recorder.steps == 1);
    CHECK(recorder.statistics.approximate_kl == Approx(0).margin(1e-6));
    check_by_differences(network, recorder.gradient, [&] {
      const Evaluated now = evaluate(network, each, segment);
      double total = 0;
      for (std::size_t t = 0; t < 16; ++t) {
        const double ratio = std::exp(now.log_probability[t] - old.log_probability[t]);
        const double error = advantages[t] + values[t] - now.value[t];
        total += -ratio * advantages[t] + hyper.value_weight * error * error;
      }
      return total / 16 - hyper.entropy_weight * now.entropy;
    });
  }
}
