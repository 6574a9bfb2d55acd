// What algorithms and policies make of a network with memory.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/policy.h"
#include "genkidama/rl/returns.h"
#include "genkidama/rl/segment_returns.h"
#include "learner_fixture.h"
#include "rl/policy_record.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr std::size_t kUnits = 5;

NetworkFactory with_memory() {
  return mlp_network({.hidden = {6}, .orthogonal = false, .memory = static_cast<int>(kUnits)});
}

LocalNetwork network_with_memory(Random& random) {
  LocalNetwork network(with_memory()(kSpec, 4), kSpec);
  for (float& w : network.weights()) w += static_cast<float>(random.uniform(-0.5, 0.5));
  return network;
}

/// A segment as a worker hands it over: its states are those of the network.
Segment remembered(Segment segment, LocalNetwork& network, std::vector<float> state) {
  segment.first_state = state;
  std::vector<float> outputs(4);
  for (std::size_t t = 0; t < segment.size(); ++t) {
    const std::span<const float> observation(segment.observations.data() + 3 * t, 3);
    network.recurrent_policy().step(network.weights(), observation, 1, state, outputs);
  }
  segment.last_state = state;
  return segment;
}

/// The loss of A3C by its definition, step by step; returns and advantages are held constant.
struct Loss {
  std::vector<double> log_probability, value;
  double entropy = 0;
};

Loss evaluate(LocalNetwork& network, const Segment& segment) {
  Loss result;
  std::vector<float> logits(4), state = segment.first_state;
  for (std::size_t t = 0; t < segment.size(); ++t) {
    const std::span<const float> observation(segment.observations.data() + 3 * t, 3);
    result.value.push_back(network.recurrent_policy().value(network.weights(), observation, state));
    network.recurrent_policy().step(network.weights(), observation, 1, state, logits);
    double normaliser = 0;
    for (const float l : logits) normaliser += std::exp(static_cast<double>(l));
    for (const float l : logits) {
      result.entropy -=
          std::exp(l) / normaliser * (l - std::log(normaliser)) / static_cast<double>(segment.size());
    }
    result.log_probability.push_back(logits[static_cast<std::size_t>(segment.actions[t])] -
                                     std::log(normaliser));
  }
  return result;
}

std::vector<float> some_state(Random& random) {
  std::vector<float> state(kUnits);
  for (float& value : state) value = static_cast<float>(random.uniform(-1, 1));
  return state;
}

void check_by_differences(LocalNetwork& network, std::span<const float> gradient, Random& random,
                          const std::function<double()>& loss) {
  double largest = 0;
  for (const float g : gradient) largest = std::max(largest, std::abs(static_cast<double>(g)));
  for (int i = 0; i < 60; ++i) {
    const auto k = static_cast<std::size_t>(random.below(gradient.size()));
    float& weight = network.weights()[k];
    const float at = weight;
    weight = at + 0.01f;
    const double high = loss();
    weight = at - 0.01f;
    const double low = loss();
    weight = at;
    CAPTURE(k);
    CHECK(gradient[k] == Approx((high - low) / 0.02).margin(1e-2 * largest));
  }
}

}  // namespace

TEST_CASE("A3C's gradient through a memory is that of its definition, by finite differences") {
  Random random(3);
  LocalNetwork network = network_with_memory(random);
  Hyperparameters hyper;
  hyper.value_weight = 0.5;
  hyper.entropy_weight = 0.02;
  hyper.gamma = 0.9;
  const Segment segment = remembered(random_segment(12, random), network, some_state(random));
  const Loss before = evaluate(network, segment);
  const float beyond =
      network.recurrent_policy().value(network.weights(), segment.last_observation, segment.last_state);
  CHECK(bootstrap_value(segment, hyper, network) == beyond);
  std::vector<float> returns(12);
  n_step_returns(segment.rewards, beyond, hyper.gamma, returns);
  Recorder recorder;
  const auto learner = learner_of(*a3c(hyper), network, recorder);
  learner->learn_segment(segment);
  REQUIRE(recorder.steps == 1);
  check_by_differences(network, recorder.gradient, random, [&] {
    const Loss now = evaluate(network, segment);
    double total = 0;
    for (std::size_t t = 0; t < 12; ++t) {
      const double error = returns[t] - now.value[t];
      total += hyper.value_weight * error * error - now.log_probability[t] * (returns[t] - before.value[t]);
    }
    return total / 12 - hyper.entropy_weight * now.entropy;
  });
}

TEST_CASE("PPO learns from sequences that go on from the states with which they were played") {
  Random random(6);
  LocalNetwork network = network_with_memory(random);
  Hyperparameters hyper;
  hyper.epochs = 1;
  hyper.gae_lambda = 0.9;
  hyper.normalise_advantages = false;
  const auto learn = [&](int sequence_length, int minibatch_size, std::vector<std::size_t> steps) {
    hyper.sequence_length = sequence_length;
    hyper.minibatch_size = minibatch_size;
    Recorder recorder;
    const auto learner = learner_of(*ppo(hyper), network, recorder);
    for (const std::size_t n : steps) {
      learner->learn_segment(remembered(random_segment(n, random), network, std::vector<float>(kUnits)));
    }
    learner->learn_round(random);
    // The policy has not changed, so neither have the probabilities: the states are the right ones.
    CHECK(recorder.statistics.approximate_kl == Approx(0).margin(1e-9));
    CHECK(recorder.statistics.clip_fraction == 0);
    CHECK(recorder.pulls == recorder.steps);
    return recorder.steps;
  };
  CHECK(learn(1000, 64, {40}) == 1);
  CHECK(learn(7, 64, {40}) == 1);
  CHECK(learn(1, 64, {40, 3}) == 1);
  // Sequences of 8 or 9, 9, 8 and 9 steps, two of which fill a minibatch of 16.
  CHECK(learn(9, 16, {34}) == 2);
  // Never less than one sequence.
  CHECK(learn(10, 1, {34, 10, 1}) == 6);
}

TEST_CASE("PPO's gradient through a memory goes back to a sequence's first step, by finite differences") {
  Random random(9);
  LocalNetwork network = network_with_memory(random);
  Hyperparameters hyper;
  hyper.epochs = 1;
  hyper.normalise_advantages = false;
  hyper.gae_lambda = 0.9;
  hyper.gamma = 0.95;
  hyper.value_weight = 0.5;
  hyper.entropy_weight = 0.02;
  const Segment segment = remembered(random_segment(20, random), network, std::vector<float>(kUnits));
  const Loss old = evaluate(network, segment);
  const std::vector<float> values(old.value.begin(), old.value.end());
  std::vector<float> advantages(20);
  generalised_advantages(segment.rewards, values, bootstrap_value(segment, hyper, network), hyper.gamma,
                         hyper.gae_lambda, advantages);
  Recorder recorder;
  const auto learner = learner_of(*ppo(hyper), network, recorder);
  learner->learn_segment(segment);
  learner->learn_round(random);
  REQUIRE(recorder.steps == 1);
  check_by_differences(network, recorder.gradient, random, [&] {
    const Loss now = evaluate(network, segment);
    double total = 0;
    for (std::size_t t = 0; t < 20; ++t) {
      const double ratio = std::exp(now.log_probability[t] - old.log_probability[t]);
      const double error = advantages[t] + values[t] - now.value[t];
      total += -ratio * advantages[t] + hyper.value_weight * error * error;
    }
    return total / 20 - hyper.entropy_weight * now.entropy;
  });
}

TEST_CASE("an algorithm that carries no state is told so") {
  Random random(1);
  LocalNetwork network = network_with_memory(random);
  std::vector<float> observation(3), outputs(4), values(1);
  CHECK_THROWS_WITH(network.evaluate(observation, outputs, values), Catch::Contains("5 floats of state"));
  CHECK_THROWS_AS(network.policy().logits(network.weights(), observation, outputs), ArgumentError);
  CHECK_THROWS_AS(network.policy().value(network.weights(), observation), ArgumentError);
}

TEST_CASE("a policy with memory acts by what it has seen since its reset") {
  const TemporaryDirectory directory;
  Random random(2);
  const auto network = with_memory()(kSpec, 1);
  std::vector<float> weights(network->layout().size());
  for (float& w : weights) w = static_cast<float>(random.uniform(-1.5, 1.5));
  write_safetensors(
      directory / "p",
      {network->layout(), weights,
       to_metadata(
           {.environment = "test", .network = network->description(), .sizes = kSpec, .action_width = 1})});
  const Segment seen = random_segment(40, random);
  const auto observation = [&](std::size_t t) {
    return std::span<const float>(seen.observations.data() + 3 * t, 3);
  };
  const auto function = network->make_recurrent_policy_function();
  std::vector<float> state(kUnits), outputs(4), expected;
  for (std::size_t t = 0; t < 40; ++t) {
    function->step(weights, observation(t), 1, state, outputs);
    expected.push_back(
        static_cast<float>(std::max_element(outputs.begin(), outputs.end()) - outputs.begin()));
  }
  Policy policy = load_policy(directory / "p");
  const auto act = [&] {
    std::vector<float> actions;
    for (std::size_t t = 0; t < 40; ++t) actions.push_back(policy.act(observation(t))[0]);
    return actions;
  };
  CHECK(act() == expected);
  // It goes on from the episode before, unless it is reset.
  CHECK(act() != expected);
  policy.reset();
  CHECK(act() == expected);
  // Two episodes by turns.
  policy.reset();
  REQUIRE(policy.state().size() == kUnits);
  std::vector<float> one(kUnits), other(kUnits);
  for (std::size_t t = 0; t < 40; ++t) {
    for (std::vector<float>* kept : {&one, &other}) {
      std::copy(kept->begin(), kept->end(), policy.state().begin());
      CHECK(policy.act(observation(t))[0] == expected[t]);
      kept->assign(policy.state().begin(), policy.state().end());
    }
  }
}

TEST_CASE("a sequence has at least one step") {
  Hyperparameters hyper;
  hyper.sequence_length = 0;
  CHECK_THROWS_WITH(hyper.check(), Catch::Contains("sequence_length is 0; expected at least 1"));
}
