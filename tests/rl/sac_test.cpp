// SAC and TD3: their gradients against differences of their losses, and what they refuse.

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/rl/hyperparameters.h"
#include "rl/algorithms/critic_step.h"
#include "rl/algorithms/squashed_sample.h"
#include "rl/learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

ActionSpace box(std::vector<float> low, std::vector<float> high) {
  return {.choices = {}, .low = std::move(low), .high = std::move(high)};
}

EnvironmentSpec task(const ActionSpace& space) {
  EnvironmentSpec spec;
  spec.name = "task";
  spec.observation_size = 3;
  spec.action_space = space;
  spec.time_limit = 100;
  return completed(spec);
}

const EnvironmentSpec kTask = task(box({-2, 0}, {2, 10}));

LocalNetwork network_of(const Algorithm& algorithm, const EnvironmentSpec& environment = kTask) {
  const NetworkSpec spec = algorithm.network(environment);
  return {make_network(mlp_network({.hidden = {8}, .activation = Activation::kTanh}), spec, 5), spec};
}

std::vector<float> numbers(std::size_t count, std::uint64_t seed, double low = -1, double high = 1) {
  Random random(seed);
  std::vector<float> result(count);
  for (float& number : result) number = static_cast<float>(random.uniform(low, high));
  return result;
}

ReplayBatch batch_of(std::size_t n) {
  ReplayBatch batch;
  batch.observations = numbers(3 * n, 1);
  batch.next_observations = numbers(3 * n, 2);
  batch.actions = numbers(2 * n, 3);
  for (std::size_t i = 0; i < n; ++i) {
    batch.actions[2 * i] *= 2;
    batch.actions[2 * i + 1] = 5 + 5 * batch.actions[2 * i + 1];
  }
  batch.rewards = numbers(n, 4);
  batch.discounts = numbers(n, 5, 0, 1);
  batch.weights = numbers(n, 6, 0.5, 1);
  return batch;
}

}  // namespace

TEST_CASE("a gradient goes through a squashed sample, its probability included") {
  GaussianOptions options;
  options.state_dependent_deviation = true;
  options.action_bounds = ActionBounds::kTanh;
  const GaussianUnits units(kTask.action_space, options);
  constexpr std::size_t kRows = 5, kRow = 6;  // two outputs that belong to nobody
  std::vector<float> outputs = numbers(kRows * kRow, 7);
  const std::vector<float> by_actions = numbers(kRows * 2, 8);
  constexpr float kByLogProbability = 0.7f;
  const auto loss = [&] {
    SquashedSample sample(units, kRow);
    Random random(9);
    sample.draw(outputs, random);
    double sum = 0;
    for (std::size_t i = 0; i < by_actions.size(); ++i) {
      sum += static_cast<double>(by_actions[i]) * sample.actions()[i];
    }
    for (const float p : sample.log_probabilities()) sum += static_cast<double>(kByLogProbability) * p;
    return sum;
  };
  SquashedSample sample(units, kRow);
  Random random(9);
  sample.draw(outputs, random);
  std::vector<float> by_outputs(outputs.size(), 77.0f);
  sample.backward(by_actions, kByLogProbability, by_outputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    CAPTURE(i);
    if (i % kRow >= 4) {
      CHECK(by_outputs[i] == 77.0f);
      continue;
    }
    const float at = outputs[i];
    constexpr float kStep = 1e-2f;
    outputs[i] = at + kStep;
    const double high = loss();
    outputs[i] = at - kStep;
    const double low = loss();
    outputs[i] = at;
    CHECK(by_outputs[i] ==
          Approx((high - low) / (2 * static_cast<double>(kStep))).margin(2e-3).epsilon(1e-2));
  }
}

TEST_CASE("a squashed sample has the probability that the behaviour tells of the same action") {
  GaussianOptions options;
  options.state_dependent_deviation = true;
  options.action_bounds = ActionBounds::kTanh;
  const auto behaviour = gaussian(kTask.action_space, options);
  const GaussianUnits units(kTask.action_space, options);
  const std::vector<float> outputs{0.3f, -0.4f, -0.5f, 0.2f};
  SquashedSample sample(units, 4);
  Random first(3), second(3);
  sample.draw(outputs, first);
  std::vector<float> chosen(2), action(2);
  float log_probability = 0;
  behaviour->act(outputs, {}, Acting::kSampling, second, chosen, log_probability);
  behaviour->to_environment(chosen, action);
  CHECK(sample.log_probabilities()[0] == Approx(log_probability).epsilon(1e-5));
  CHECK(units.to_unit(0, action[0]) == Approx(sample.actions()[0]).margin(1e-5));
  CHECK(units.to_unit(1, action[1]) == Approx(sample.actions()[1]).margin(1e-5));
}

TEST_CASE("critics learn their targets, and a policy is given the derivatives by its actions") {
  for (const int critics : {1, 2, 3}) {
    for (const double huber : {0.0, 0.3}) {
      CAPTURE(critics, huber);
      Hyperparameters h;
      h.critics = critics;
      h.target_critics = std::min(critics, 2);
      h.huber_delta = huber;
      LocalNetwork network = network_of(*sac(h));
      const GaussianUnits units(kTask.action_space, {});
      CriticStep step(h, network, units);
      const ReplayBatch batch = batch_of(6);
      const std::vector<float> targets = numbers(6, 11);
      std::vector<float> errors(6), unused(6);
      step.learn(batch, targets, errors);
      const std::vector<float> gradient(network.gradient().begin(), network.gradient().end());
      for (const TensorInfo& tensor : network.layout().tensors()) {
        if (tensor.name[0] != 'q') continue;
        CAPTURE(tensor.name);
        float& weight = network.weights()[tensor.offset];
        const float at = weight;
        weight = at + 1e-2f;
        const double high = step.learn(batch, targets, unused);
        weight = at - 1e-2f;
        const double low = step.learn(batch, targets, unused);
        weight = at;
        CHECK(gradient[tensor.offset] == Approx((high - low) / 2e-2).margin(1e-3).epsilon(2e-2));
      }
      std::vector<float> actions = numbers(12, 12);
      const auto kind = critics == 1 ? CriticStep::Score::kFirst : CriticStep::Score::kLeastOrMean;
      const auto scored = step.score(batch.observations, actions, 6, kind);
      const std::vector<float> by_actions(scored.by_actions.begin(), scored.by_actions.end());
      for (std::size_t i = 0; i < actions.size(); ++i) {
        const float at = actions[i];
        actions[i] = at + 1e-3f;
        const double high = step.score(batch.observations, actions, 6, kind).mean;
        actions[i] = at - 1e-3f;
        const double low = step.score(batch.observations, actions, 6, kind).mean;
        actions[i] = at;
        CHECK(by_actions[i] == Approx(-(high - low) / 2e-3).margin(2e-3).epsilon(2e-2));
      }
    }
  }
}

TEST_CASE("a target is the least value of as many critics as are asked for, drawn at random") {
  Hyperparameters h;
  h.critics = 4;
  h.target_critics = 2;
  LocalNetwork network = network_of(*sac(h));
  const GaussianUnits units(kTask.action_space, {});
  CriticStep step(h, network, units);
  const std::vector<float> observation = numbers(3, 1), action = numbers(2, 2);
  std::vector<float> values(4);
  network.critics().forward(network.weights(), observation, action, values);
  std::sort(values.begin(), values.end());
  Random random(4);
  int drawn[4] = {0, 0, 0, 0};
  for (int i = 0; i < 600; ++i) {
    const float least = step.least_values(network.weights(), observation, action, 1, random)[0];
    const auto found = std::find(values.begin(), values.end(), least);
    REQUIRE(found != values.end());
    ++drawn[found - values.begin()];
  }
  // The least of two out of four is the smallest in 3 of 6 pairs, the second in 2 and the third in 1.
  CHECK(drawn[0] == Approx(300).margin(60));
  CHECK(drawn[1] == Approx(200).margin(60));
  CHECK(drawn[2] == Approx(100).margin(50));
  CHECK(drawn[3] == 0);
}

TEST_CASE("sac and td3 ask for a policy and critics, and refuse other actions with those that fit") {
  Hyperparameters h;
  h.temperature = 0.5;
  const NetworkSpec of_sac = sac(h)->network(kTask);
  CHECK(of_sac.policy == 5);
  CHECK(of_sac.values == 0);
  CHECK(of_sac.free == 1);
  CHECK(of_sac.free_name == "log_temperature");
  CHECK(of_sac.free_start == Approx(std::log(0.5)));
  CHECK(of_sac.critics == 2);
  CHECK(of_sac.critic_actions == 2);
  const NetworkSpec of_td3 = td3(h)->network(kTask);
  CHECK(of_td3.policy == 2);
  CHECK(of_td3.free == 0);
  CHECK(of_td3.critics == 2);
  CHECK_THROWS_WITH(
      sac(h)->network(kEnvironment),
      Contains("sac takes continuous actions with finite bounds; expected a3c, dqn, dyna_q, ppo or qr_dqn"));
  CHECK_THROWS_WITH(td3(h)->network(task({.choices = {2}, .low = {-1}, .high = {1}})),
                    Contains("td3 takes continuous actions") && Contains("expected a3c or ppo"));
  const float infinite = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(td3(h)->network(task(box({-1}, {infinite}))), Contains("expected a3c or ppo"));
  CHECK_THROWS_WITH(dqn(h)->network(kTask), Contains("expected a3c, ppo, sac or td3"));
}

TEST_CASE("a deterministic policy acts by tanh, explores around it and keeps its bounds") {
  const auto behaviour = deterministic(kTask.action_space, 0.3);
  Random random(1);
  std::vector<float> chosen(2), action(2);
  float log_probability = 1;
  for (const Acting acting : {Acting::kGreedy, Acting::kSampling}) {
    behaviour->act(std::vector<float>{0.5f, -9}, {}, acting, random, chosen, log_probability);
    behaviour->to_environment(chosen, action);
    CHECK(action[0] == Approx(2 * std::tanh(0.5)));
    CHECK(action[1] == Approx(0).margin(1e-5));
    CHECK(log_probability == 0);
  }
  double sum = 0, squares = 0;
  for (int i = 0; i < 2'000; ++i) {
    behaviour->act(std::vector<float>{0, 9}, {}, Acting::kExploring, random, chosen, log_probability);
    behaviour->to_environment(chosen, action);
    sum += action[0] / 2'000;
    squares += action[0] * action[0] / 2'000;
    REQUIRE(action[1] <= 10);
  }
  CHECK(sum == Approx(0).margin(0.06));
  CHECK(std::sqrt(squares) == Approx(0.6).margin(0.05));
  CHECK(behaviour->description() == "deterministic");
  CHECK(described_behaviour("deterministic", kTask.action_space)->description() == "deterministic");
  CHECK(described_outputs("deterministic", kTask.action_space) == 2);
  CHECK_THROWS_WITH(deterministic({.choices = {2}, .low = {}, .high = {}}), Contains("finite bounds"));
  CHECK_THROWS_WITH(deterministic(kTask.action_space, -1), Contains("noise is -1"));
}

TEST_CASE("constants of sac and td3 that are out of range are refused by name") {
  const auto refused = [](const std::function<void(Hyperparameters&)>& change, const char* text) {
    Hyperparameters h;
    change(h);
    CHECK_THROWS_WITH(h.check(), Contains(text));
  };
  refused([](auto& h) { h.critics = 0; }, "critics is 0");
  refused([](auto& h) { h.target_critics = 0; }, "target_critics is 0");
  refused([](auto& h) { h.temperature = 0; }, "temperature is 0");
  refused([](auto& h) { h.target_entropy = NAN; }, "target_entropy is nan");
  refused([](auto& h) { h.exploration_noise = -1; }, "exploration_noise is -1");
  refused([](auto& h) { h.target_noise = INFINITY; }, "target_noise is inf");
  refused([](auto& h) { h.target_noise_limit = -1; }, "target_noise_limit is -1");
  refused([](auto& h) { h.policy_period = 0; }, "policy_period is 0");
  refused([](auto& h) { h.replay_ratio = 1e30; },
          "replay_ratio is 1e+30; expected a number above 0 and at most");
}
