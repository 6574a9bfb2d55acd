#include "genkidama/rl/algorithms.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/rl/exploration.h"
#include "genkidama/rl/replay_learner.h"
#include "genkidama/rl/target_weights.h"
#include "rl/learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr std::size_t kActions = 4, kInputs = 3;

Hyperparameters with(const std::function<void(Hyperparameters&)>& change) {
  Hyperparameters result;
  change(result);
  return result;
}

/// Errors count by their square.
Hyperparameters squared() {
  return with([](auto& h) { h.huber_delta = 0; });
}

/// A replay buffer, a linear network and a DQN learner that takes one optimizer step for each step.
class Setup {
 public:
  explicit Setup(const Hyperparameters& given, bool masks = false, double priorities = 0)
      : hyperparameters(with_defaults(given, priorities)),
        buffer(1, 100, kInputs, 1, masks ? kActions : 0, priorities > 0),
        algorithm(dqn(hyperparameters)),
        network(make_network()),
        shared(algorithm->shared_state_size(network.weights().size())),
        learner(algorithm->make_learner({.environment = kEnvironment,
                                         .network = network,
                                         .sink = sink,
                                         .shared_state = shared,
                                         .replay = &buffer})) {
    Random random(8);
    for (float& weight : network.weights()) weight = static_cast<float>(random.uniform(-1, 1));
    learner->begin_round(Random(1));
    // The target is another network from now on.
    target.assign(network.weights().begin(), network.weights().end());
    for (float& weight : network.weights()) weight = static_cast<float>(-weight * random.uniform(0.5, 1));
  }

  /// Stores a step and lets the learner learn.
  void play(const Transition& transition) {
    buffer.store(0, transition);
    learner->learn_segment({});
  }

  /// The values of the actions, or the advantages, of a linear network.
  static std::vector<float> outputs(std::span<const float> weights, std::span<const float> observation) {
    std::vector<float> result;
    for (std::size_t a = 0; a < kActions; ++a) {
      float sum = weights[kActions * kInputs + a];
      for (std::size_t k = 0; k < kInputs; ++k) sum += weights[a * kInputs + k] * observation[k];
      result.push_back(sum);
    }
    return result;
  }
  /// Of the linear value behind them.
  static float value(std::span<const float> weights, std::span<const float> observation) {
    const auto own = weights.subspan(kActions * (kInputs + 1));
    return own[3] + own[0] * observation[0] + own[1] * observation[1] + own[2] * observation[2];
  }

  Hyperparameters hyperparameters;
  ReplayBuffer buffer;
  std::unique_ptr<Algorithm> algorithm;
  LocalNetwork network;
  std::vector<float> shared;
  Recorder sink;
  std::unique_ptr<Learner> learner;
  std::vector<float> target;

 private:
  static Hyperparameters with_defaults(Hyperparameters h, double priorities) {
    h.algorithm = "dqn";
    h.minibatch_size = 1;
    h.learning_starts = 0;
    h.replay_ratio = 1;
    h.gamma = 0.5;
    h.reward_scale = 2;
    h.priority_exponent = priorities;
    return h;
  }
  LocalNetwork make_network() const {
    const NetworkSpec spec = algorithm->network(kEnvironment);
    return LocalNetwork(mlp_network({.hidden = {}})(spec, 1), spec);
  }
};

const std::vector<float> kBefore{0.5f, -1, 0.25f}, kAfter{-0.5f, 2, 1};
const float kAction = 2;

Transition step(bool terminated = false, std::span<const std::uint8_t> mask = {}) {
  return {kBefore, {&kAction, 1}, 0.125f, kAfter, terminated, false, mask};
}

std::size_t best(const std::vector<float>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

void check_gradient(const Setup& setup, float by_value) {
  REQUIRE(setup.sink.steps == 1);
  REQUIRE(setup.sink.gradient.size() == kActions * (kInputs + 1));
  for (std::size_t a = 0; a < kActions; ++a) {
    const float expected = a == 2 ? by_value : 0;
    CHECK(setup.sink.gradient[kActions * kInputs + a] == Approx(expected));
    for (std::size_t k = 0; k < kInputs; ++k)
      CHECK(setup.sink.gradient[a * kInputs + k] == Approx(expected * kBefore[k]));
  }
}

}  // namespace

TEST_CASE("dqn's gradient is that of the squared error to the double Q-learning target") {
  Setup setup(squared());
  const auto chosen = best(Setup::outputs(setup.network.weights(), kAfter));
  const float target = 0.25f + 0.5f * Setup::outputs(setup.target, kAfter)[chosen];
  const float value = Setup::outputs(setup.network.weights(), kBefore)[2];
  // So that the test tells double Q-learning from Q-learning.
  REQUIRE(chosen != best(Setup::outputs(setup.target, kAfter)));
  setup.play(step());
  check_gradient(setup, value - target);
  CHECK(setup.sink.statistics.value_loss == Approx((value - target) * (value - target) / 2));
  CHECK(setup.sink.statistics.gradient_norm > 0);
}

TEST_CASE("without double Q-learning the target network chooses too") {
  Setup setup(with([](auto& h) {
    h.huber_delta = 0;
    h.double_q = false;
  }));
  const auto of_target = Setup::outputs(setup.target, kAfter);
  const float value = Setup::outputs(setup.network.weights(), kBefore)[2];
  setup.play(step());
  check_gradient(setup, value - (0.25f + 0.5f * of_target[best(of_target)]));
}

TEST_CASE("nothing lies beyond the end of a task") {
  Setup setup(squared());
  const float value = Setup::outputs(setup.network.weights(), kBefore)[2];
  setup.play(step(true));
  check_gradient(setup, value - 0.25f);
}

TEST_CASE("large errors count linearly") {
  Setup setup(with([](auto& h) { h.huber_delta = 0.01; }));
  const float error = Setup::outputs(setup.network.weights(), kBefore)[2] - 0.25f;
  REQUIRE(std::abs(error) > 0.01f);
  setup.play(step(true));
  check_gradient(setup, error > 0 ? 0.01f : -0.01f);
  CHECK(setup.sink.statistics.value_loss == Approx(0.01 * (std::abs(error) - 0.005)));
}

TEST_CASE("a masked action is no target") {
  Setup setup(squared(), true);
  auto outputs = Setup::outputs(setup.network.weights(), kAfter);
  std::vector<std::uint8_t> mask(kActions, 1);
  mask[best(outputs)] = 0;
  outputs[best(outputs)] = -100;
  const float target = 0.25f + 0.5f * Setup::outputs(setup.target, kAfter)[best(outputs)];
  const float value = Setup::outputs(setup.network.weights(), kBefore)[2];
  setup.play(step(false, mask));
  check_gradient(setup, value - target);
}

TEST_CASE("a dueling network's values are its value and what its advantages are above their mean") {
  Setup setup(with([](auto& h) {
    h.huber_delta = 0;
    h.dueling = true;
  }));
  const auto q = [](std::span<const float> weights, std::span<const float> observation) {
    auto values = Setup::outputs(weights, observation);
    const float mean = (values[0] + values[1] + values[2] + values[3]) / 4;
    for (float& each : values) each += Setup::value(weights, observation) - mean;
    return values;
  };
  const auto chosen = best(q(setup.network.weights(), kAfter));
  const float error =
      q(setup.network.weights(), kBefore)[2] - (0.25f + 0.5f * q(setup.target, kAfter)[chosen]);
  setup.play(step());
  const auto& gradient = setup.sink.gradient;
  REQUIRE(gradient.size() == (kActions + 1) * (kInputs + 1));
  for (std::size_t a = 0; a < kActions; ++a)
    CHECK(gradient[kActions * kInputs + a] == Approx(error * (a == 2 ? 0.75f : -0.25f)));
  CHECK(gradient.back() == Approx(error));
  for (std::size_t k = 0; k < kInputs; ++k)
    CHECK(gradient[kActions * (kInputs + 1) + k] == Approx(error * kBefore[k]));
}

TEST_CASE("a row's priority follows from its error") {
  Setup setup(squared(), false, 0.5);
  const float error = Setup::outputs(setup.network.weights(), kBefore)[2] - 0.25f;
  setup.play(step(true));
  CHECK(setup.buffer.priority({0, 0}) == Approx(std::sqrt(std::abs(error) + 1e-3f)));
}

TEST_CASE("optimizer steps come at the replay ratio, in steps") {
  for (const auto& [ratio, expected] :
       std::map<double, std::vector<int>>{{0.25, {0, 0, 0, 1, 1, 1, 1, 2}},
                                          {1, {1, 2, 3, 4, 5, 6, 7, 8}},
                                          {2.5, {2, 5, 7, 10, 12, 15, 17, 20}}}) {
    Setup setup((Hyperparameters()));
    setup.hyperparameters.replay_ratio = ratio;
    auto learner = dqn(setup.hyperparameters)
                       ->make_learner({.environment = kEnvironment,
                                       .network = setup.network,
                                       .sink = setup.sink,
                                       .shared_state = setup.shared,
                                       .replay = &setup.buffer});
    std::vector<int> steps;
    for (int i = 0; i < 8; ++i) {
      // A new round in the middle changes nothing.
      if (i % 3 == 0) learner->begin_round(Random(1));
      setup.buffer.store(0, step());
      learner->learn_segment({});
      steps.push_back(setup.sink.steps);
    }
    CHECK(steps == expected);
    CHECK(setup.sink.pulls == setup.sink.steps);
  }
}

TEST_CASE("learning starts after so many steps, with a minibatch's rows, and makes up for nothing") {
  Setup setup((Hyperparameters()));
  Hyperparameters h = setup.hyperparameters;
  const auto first_step = [&](std::uint64_t learning_starts, int minibatch_size) {
    h.learning_starts = learning_starts;
    h.minibatch_size = minibatch_size;
    ReplayBuffer buffer(1, 100, kInputs);
    Recorder sink;
    auto learner = dqn(h)->make_learner({.environment = kEnvironment,
                                         .network = setup.network,
                                         .sink = sink,
                                         .shared_state = setup.shared,
                                         .replay = &buffer});
    learner->begin_round(Random(1));
    int steps = 0;
    while (sink.steps == 0) {
      ++steps;
      buffer.store(0, step());
      learner->learn_segment({});
    }
    CHECK(sink.steps == 1);
    return steps;
  };
  CHECK(first_step(0, 1) == 1);
  CHECK(first_step(10, 1) == 10);
  CHECK(first_step(10, 32) == 32);
}

TEST_CASE("without a replay buffer dqn says what is missing") {
  Setup setup((Hyperparameters()));
  auto learner = setup.algorithm->make_learner({.environment = kEnvironment,
                                                .network = setup.network,
                                                .sink = setup.sink,
                                                .shared_state = setup.shared});
  learner->begin_round(Random(1));
  CHECK_THROWS_WITH(learner->learn_segment({}), Catch::Contains("replay_capacity above 0"));
}

TEST_CASE("dqn refuses other actions than one choice, and names the algorithms that take them") {
  const auto algorithm = dqn(Hyperparameters());
  const auto spec_of = [](const ActionSpace& space) {
    EnvironmentSpec spec;
    spec.name = "Arm";
    spec.observation_size = 3;
    spec.action_space = space;
    spec.time_limit = 10;
    return spec;
  };
  for (const ActionSpace& space : {ActionSpace{.choices = {3, 2}, .low = {}, .high = {}},
                                   ActionSpace{.choices = {}, .low = {-1}, .high = {1}},
                                   ActionSpace{.choices = {3}, .low = {-1}, .high = {1}}}) {
    CHECK_THROWS_AS(algorithm->network(spec_of(space)), ArgumentError);
    CHECK_THROWS_WITH(algorithm->network(spec_of(space)), Catch::Contains("environment 'Arm' has") &&
                                                              Catch::Contains("expected a3c") &&
                                                              Catch::Contains("ppo"));
  }
  const NetworkSpec spec = algorithm->network(spec_of({.choices = {5}, .low = {}, .high = {}}));
  CHECK(spec.policy == 5);
  CHECK(spec.values == 0);
}

TEST_CASE("the algorithms have names") {
  const auto named = [](const char* name) {
    return make_algorithm(with([name](auto& h) { h.algorithm = name; }));
  };
  CHECK(algorithm_names() == std::vector<std::string>{"a3c", "dqn", "dyna_q", "ppo", "qr_dqn", "sac", "td3"});
  CHECK_THROWS_WITH(named("none"), Catch::Contains("expected a3c, dqn, dyna_q, ppo, qr_dqn, sac or td3"));
  CHECK(named("dqn")->learns_from_replay());
  CHECK_FALSE(named("ppo")->learns_from_replay());
}

TEST_CASE("a target is the first weights, follows by its rate, and is shared") {
  std::vector<float> shared(TargetWeights::shared_size(3));
  TargetWeights target(shared, {.period = 0, .rate = 0.25}), other(shared, {.period = 0, .rate = 0.25});
  target.begin_round(std::vector<float>{1, 2, 3});
  other.begin_round(std::vector<float>{7, 7, 7});
  CHECK(std::vector<float>(other.weights().begin(), other.weights().end()) == std::vector<float>{1, 2, 3});
  target.follow(std::vector<float>{5, 6, 7}, 1);
  CHECK(target.weights()[0] == 2);
  other.follow(std::vector<float>{6, 7, 8}, 2);
  CHECK(other.weights()[0] == 3);
  CHECK(shared[0] == 3);
  CHECK(target.weights()[0] == 2);
  target.begin_round(std::vector<float>{0, 0, 0});
  CHECK(target.weights()[0] == 3);
}

TEST_CASE("a target is replaced after each period of the machine's optimizer steps") {
  std::vector<float> shared(TargetWeights::shared_size(1));
  TargetWeights target(shared, {.period = 10}), other(shared, {.period = 10});
  target.begin_round(std::vector<float>{1});
  other.begin_round(std::vector<float>{1});
  for (std::uint64_t step = 1; step < 10; ++step) target.follow(std::vector<float>{2}, step);
  CHECK(target.weights()[0] == 1);
  target.follow(std::vector<float>{3}, 10);
  CHECK(target.weights()[0] == 3);
  // The second worker that comes to the period's end reads what the first one has written.
  other.follow(std::vector<float>{4}, 11);
  CHECK(other.weights()[0] == 3);
  other.follow(std::vector<float>{5}, 23);
  CHECK(other.weights()[0] == 5);
}

TEST_CASE("a target refuses what it cannot follow with") {
  std::vector<float> shared(4);
  CHECK_THROWS_AS(TargetWeights({}, {}), ArgumentError);
  CHECK_THROWS_AS(TargetWeights(shared, {.period = -1}), ArgumentError);
  CHECK_THROWS_AS(TargetWeights(shared, {.rate = 0}), ArgumentError);
  CHECK_THROWS_AS(TargetWeights(shared, {.rate = 1.5}), ArgumentError);
  CHECK_THROWS_AS(TargetWeights(shared, {.rate = std::numeric_limits<double>::quiet_NaN()}), ArgumentError);
}

TEST_CASE("epsilon falls linearly over its steps and differs between workers by the ladder") {
  Hyperparameters h;
  h.epsilon = 0.1;
  CHECK(exploration_epsilon(h, 0, 0, 1) == 0.1);
  h.epsilon_steps = 1000;
  CHECK(exploration_epsilon(h, 0, 0, 1) == 1);
  CHECK(exploration_epsilon(h, 500, 0, 1) == Approx(0.55));
  CHECK(exploration_epsilon(h, 1000, 0, 1) == 0.1);
  CHECK(exploration_epsilon(h, 5000, 3, 4) == 0.1);
  h.epsilon = 0.4;
  h.epsilon_steps = 0;
  h.epsilon_ladder = 7;
  CHECK(exploration_epsilon(h, 0, 0, 1) == 0.4);
  CHECK(exploration_epsilon(h, 0, 0, 3) == Approx(0.4));
  CHECK(exploration_epsilon(h, 0, 1, 3) == Approx(std::pow(0.4, 4.5)));
  CHECK(exploration_epsilon(h, 0, 2, 3) == Approx(std::pow(0.4, 8)));
}

TEST_CASE("what is out of range of learning from replay is refused by name") {
  const auto refused = [](const std::function<void(Hyperparameters&)>& change, const std::string& name) {
    Hyperparameters h;
    change(h);
    CHECK_THROWS_WITH(h.check(), Catch::StartsWith(name + " is"));
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {0.0, -1.0, nan}) {
    refused([&](auto& h) { h.replay_ratio = bad; }, "replay_ratio");
    refused([&](auto& h) { h.target_rate = bad; }, "target_rate");
  }
  for (const double bad : {-0.1, 1.1, nan}) {
    refused([&](auto& h) { h.priority_exponent = bad; }, "priority_exponent");
    refused([&](auto& h) { h.importance_exponent = bad; }, "importance_exponent");
    refused([&](auto& h) { h.first_epsilon = bad; }, "first_epsilon");
  }
  for (const double bad : {-0.1, nan}) {
    refused([&](auto& h) { h.huber_delta = bad; }, "huber_delta");
    refused([&](auto& h) { h.epsilon_ladder = bad; }, "epsilon_ladder");
    refused([&](auto& h) { h.final_learning_rate = bad; }, "final_learning_rate");
  }
  refused([](auto& h) { h.n_step = 0; }, "n_step");
  refused([](auto& h) { h.target_period = -1; }, "target_period");
  refused([](auto& h) { h.final_learning_rate = 2 * h.learning_rate; }, "final_learning_rate");
}
