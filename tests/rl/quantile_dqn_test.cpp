#include <cmath>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/rl/target_weights.h"
#include "rl/learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr std::size_t kActions = 4, kInputs = 3, kQuantiles = 5;
const std::vector<float> kBefore{0.5f, -1, 0.25f}, kAfter{-0.5f, 2, 1};
const float kAction = 2;

Hyperparameters constants(double delta, double priorities = 0) {
  Hyperparameters h;
  h.algorithm = "qr_dqn";
  h.quantiles = kQuantiles;
  h.huber_delta = delta;
  h.minibatch_size = 1;
  h.learning_starts = 0;
  h.replay_ratio = 1;
  h.gamma = 0.5;
  h.reward_scale = 2;
  h.priority_exponent = priorities;
  return h;
}

/// The quantiles of all actions, of a linear network.
std::vector<double> quantiles(std::span<const float> weights, std::span<const float> observation) {
  constexpr std::size_t kOutputs = kActions * kQuantiles;
  std::vector<double> result;
  for (std::size_t k = 0; k < kOutputs; ++k) {
    double sum = static_cast<double>(weights[kOutputs * kInputs + k]);
    for (std::size_t i = 0; i < kInputs; ++i)
      sum += static_cast<double>(weights[k * kInputs + i]) * static_cast<double>(observation[i]);
    result.push_back(sum);
  }
  return result;
}

double mean(const std::vector<double>& all, std::size_t action) {
  double sum = 0;
  for (std::size_t k = 0; k < kQuantiles; ++k) sum += all[action * kQuantiles + k] / kQuantiles;
  return sum;
}

std::size_t best(const std::vector<double>& all) {
  std::size_t result = 0;
  for (std::size_t action = 1; action < kActions; ++action)
    if (mean(all, action) > mean(all, result)) result = action;
  return result;
}

/// The paper's loss of one transition (Dabney et al. 2018, equation 10), with Huber's loss over its size.
double loss(std::span<const float> weights, const std::vector<double>& targets, double delta) {
  const auto all = quantiles(weights, kBefore);
  double sum = 0;
  for (std::size_t k = 0; k < kQuantiles; ++k) {
    const double tau = (2 * static_cast<double>(k) + 1) / (2 * kQuantiles);
    for (const double target : targets) {
      const double u = target - all[2 * kQuantiles + k];
      const double huber = std::abs(u) <= delta ? u * u / 2 : delta * (std::abs(u) - delta / 2);
      sum += std::abs(tau - (u < 0 ? 1 : 0)) * huber / delta / kQuantiles;
    }
  }
  return sum;
}

class Setup {
 public:
  explicit Setup(const Hyperparameters& h)
      : buffer(1, 10, kInputs, 1, 0, h.priority_exponent > 0),
        algorithm(qr_dqn(h)),
        spec(algorithm->network(kEnvironment)),
        network(mlp_network({.hidden = {}})(spec, 1), spec),
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

  void play(bool terminated) {
    buffer.store(0, {kBefore, {&kAction, 1}, 0.125f, kAfter, terminated, false, {}});
    learner->learn_segment({});
  }

  /// The target quantiles of the step.
  std::vector<double> targets(bool terminated) const {
    const std::size_t chosen = best(quantiles(network.weights(), kAfter));
    std::vector<double> result;
    for (std::size_t k = 0; k < kQuantiles; ++k)
      result.push_back(0.25 + (terminated ? 0 : 0.5 * quantiles(target, kAfter)[chosen * kQuantiles + k]));
    return result;
  }

  ReplayBuffer buffer;
  std::unique_ptr<Algorithm> algorithm;
  NetworkSpec spec;
  LocalNetwork network;
  std::vector<float> shared;
  Recorder sink;
  std::unique_ptr<Learner> learner;
  std::vector<float> target;
};

}  // namespace

TEST_CASE("qr_dqn's gradient is the derivative of the quantile loss") {
  for (const double delta : {0.05, 1.0, 100.0}) {
    for (const bool terminated : {false, true}) {
      Setup setup(constants(delta));
      REQUIRE(best(quantiles(setup.network.weights(), kAfter)) != best(quantiles(setup.target, kAfter)));
      const auto targets = setup.targets(terminated);
      const std::vector<float> weights(setup.network.weights().begin(), setup.network.weights().end());
      setup.play(terminated);
      REQUIRE(setup.sink.gradient.size() == weights.size());
      CHECK(setup.sink.statistics.value_loss == Approx(loss(weights, targets, delta)).epsilon(1e-4));
      for (std::size_t i = 0; i < weights.size(); ++i) {
        const float step = 1e-3f;
        auto above = weights, below = weights;
        above[i] += step;
        below[i] -= step;
        const double expected = (loss(above, targets, delta) - loss(below, targets, delta)) /
                                static_cast<double>(above[i] - below[i]);
        CHECK(static_cast<double>(setup.sink.gradient[i]) == Approx(expected).margin(0.01));
      }
    }
  }
}

TEST_CASE("qr_dqn's priorities follow from the difference of the means") {
  Setup setup(constants(1, 0.5));
  const double error = mean(quantiles(setup.network.weights(), kBefore), 2) - 0.25;
  setup.play(true);
  CHECK(static_cast<double>(setup.buffer.priority({0, 0})) == Approx(std::sqrt(std::abs(error) + 1e-3)));
}

TEST_CASE("qr_dqn takes one choice and a Huber loss, and its quantiles are outputs side by side") {
  CHECK(qr_dqn(constants(1))->network(kEnvironment).policy == kActions * kQuantiles);
  CHECK(qr_dqn(constants(1))->make_behaviour(kEnvironment)->description() == "greedy 5");
  CHECK_THROWS_WITH(qr_dqn(constants(0)), Catch::Contains("huber_delta is 0"));
  EnvironmentSpec box{"boxes", 3, 0, 100};
  box.action_space = ActionSpace();
  box.action_space.low = {-1};
  box.action_space.high = {1};
  CHECK_THROWS_WITH(qr_dqn(constants(1))->network(box), Catch::Contains("qr_dqn takes one choice"));
  for (const int bad : {0, -1, 1001}) {
    Hyperparameters h = constants(1);
    h.quantiles = bad;
    CHECK_THROWS_WITH(h.check(), Catch::StartsWith("quantiles is"));
  }
}
