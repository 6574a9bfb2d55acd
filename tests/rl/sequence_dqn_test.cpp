// DQN with memory: its loss over sequences, against the network run step by step.
#include <algorithm>
#include <cmath>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/rl/algorithms.h"
#include "rl/learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr std::size_t kActions = 4, kInputs = 3, kRows = 6;

Hyperparameters constants(bool dueling, int n_step) {
  Hyperparameters h;
  h.algorithm = "dqn";
  h.dueling = dueling;
  h.n_step = n_step;
  h.minibatch_size = 4;
  h.sequence_length = 4;
  h.burn_in = 2;
  h.learning_starts = 0;
  h.replay_ratio = 0.2;  // one optimizer step for six steps
  h.gamma = 0.5;
  h.reward_scale = 2;
  h.priority_exponent = 0.5;
  h.huber_delta = 0.5;
  return h;
}

/// A learner with memory, and an episode of six steps, of which only one is ever drawn.
class Setup {
 public:
  Setup(const Hyperparameters& given, bool ends)
      : hyperparameters(given),
        buffer(1, 10, kInputs, 1, 0, true),
        algorithm(dqn(given)),
        spec(algorithm->network(kEnvironment)),
        network(mlp_network({.hidden = {6}, .shared_trunk = true, .memory = 5})(spec, 1), spec),
        shared(algorithm->shared_state_size(network.weights().size())),
        terminated(ends) {
    algorithm->check_network(network);
    Random random(4);
    const auto draw = [&](std::span<float> values) {
      for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
    };
    draw(network.weights());
    learner = algorithm->make_learner({.environment = kEnvironment,
                                       .network = network,
                                       .sink = sink,
                                       .shared_state = shared,
                                       .replay = &buffer});
    learner->begin_round(Random(1));
    target.assign(network.weights().begin(), network.weights().end());
    draw(network.weights());
    observations.resize((kRows + 1) * kInputs);
    draw(observations);
    for (std::size_t t = 0; t < kRows; ++t) {
      actions.push_back(static_cast<float>(random.below(kActions)));
      rewards.push_back(static_cast<float>(random.uniform(-1, 1)));
      buffer.store(0, {observation(t),
                       {&actions[t], 1},
                       rewards[t],
                       observation(t + 1),
                       ends && t + 1 == kRows,
                       false,
                       {}});
    }
  }

  std::span<const float> observation(std::size_t t) const {
    return std::span(observations).subspan(t * kInputs, kInputs);
  }

  /// The values of all actions at the observations from `first` on, with a memory that is empty before it.
  std::vector<std::vector<double>> values(std::span<const float> weights, std::size_t first) {
    std::vector<std::vector<double>> result;
    std::vector<float> state(network.state_size()), outputs(kActions);
    for (std::size_t t = first; t <= kRows; ++t) {
      const std::vector<float> before = state;
      network.recurrent_policy().step(weights, observation(t), 1, state, outputs);
      std::vector<double> of_step(outputs.begin(), outputs.end());
      if (hyperparameters.dueling) {
        double mean = 0;
        for (const float output : outputs) mean += static_cast<double>(output) / kActions;
        const double value =
            static_cast<double>(network.recurrent_policy().value(weights, observation(t), before));
        for (double& each : of_step) each += value - mean;
      }
      result.push_back(of_step);
    }
    return result;
  }

  /// The targets of the steps from `drawn` on.
  std::vector<double> targets(std::size_t first, std::size_t drawn) {
    const auto own = values(network.weights(), first), of_target = values(target, first);
    std::vector<double> result;
    for (std::size_t t = drawn; t < kRows; ++t) {
      const std::size_t end = std::min(kRows, t + static_cast<std::size_t>(hyperparameters.n_step));
      double sum = 0, discount = 1;
      for (std::size_t k = t; k < end; ++k, discount *= 0.5)
        sum += discount * 2 * static_cast<double>(rewards[k]);
      const auto& choosing = own[end - first];
      const auto best =
          static_cast<std::size_t>(std::max_element(choosing.begin(), choosing.end()) - choosing.begin());
      result.push_back(sum + (end == kRows && terminated ? 0 : discount * of_target[end - first][best]));
    }
    return result;
  }

  std::vector<double> errors(const std::vector<double>& wanted, std::size_t first, std::size_t drawn) {
    const auto own = values(network.weights(), first);
    std::vector<double> result;
    for (std::size_t t = drawn; t < kRows; ++t)
      result.push_back(own[t - first][static_cast<std::size_t>(actions[t])] - wanted[t - drawn]);
    return result;
  }

  double loss(const std::vector<double>& wanted, std::size_t first, std::size_t drawn) {
    double sum = 0;
    for (const double error : errors(wanted, first, drawn)) {
      const double size = std::abs(error);
      sum += size <= 0.5 ? size * size / 2 : 0.5 * (size - 0.25);
    }
    return sum / static_cast<double>(kRows - drawn);
  }

  void learn_from(std::uint64_t drawn) {
    for (std::uint64_t row = 0; row < kRows; ++row) buffer.set_priority({0, row}, row == drawn ? 1.0f : 0.0f);
    learner->learn_segment({});
  }

  Hyperparameters hyperparameters;
  ReplayBuffer buffer;
  std::unique_ptr<Algorithm> algorithm;
  NetworkSpec spec;
  LocalNetwork network;
  std::vector<float> shared;
  bool terminated;
  Recorder sink;
  std::unique_ptr<Learner> learner;
  std::vector<float> target, observations, actions, rewards;
};

}  // namespace

TEST_CASE("dqn with memory learns from sequences that begin with an empty memory") {
  for (const bool dueling : {false, true}) {
    for (const bool terminated : {false, true}) {
      Setup setup(constants(dueling, 2), terminated);
      // Steps 1 and 2 bring the memory to what it was; 3, 4 and 5 are learnt from.
      const auto wanted = setup.targets(1, 3);
      const auto errors = setup.errors(wanted, 1, 3);
      const double loss = setup.loss(wanted, 1, 3);
      const std::vector<float> weights(setup.network.weights().begin(), setup.network.weights().end());
      setup.learn_from(3);
      REQUIRE(setup.sink.steps == 1);
      CHECK(setup.sink.statistics.value_loss == Approx(loss).epsilon(1e-4));
      const std::vector<float> gradient = setup.sink.gradient;
      double squares = 0;
      for (std::size_t i = 0; i < weights.size(); ++i) {
        float& weight = setup.network.weights()[i];
        weight = weights[i] + 0.01f;
        const double above = setup.loss(wanted, 1, 3);
        weight = weights[i] - 0.01f;
        const double below = setup.loss(wanted, 1, 3);
        weight = weights[i];
        CAPTURE(i);
        CHECK(static_cast<double>(gradient[i]) == Approx((above - below) / 0.02).margin(5e-3));
        squares += static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
      }
      CHECK(squares > 0.01);
      double largest = 0, mean = 0;
      for (const double error : errors) {
        largest = std::max(largest, std::abs(error));
        mean += std::abs(error) / static_cast<double>(errors.size());
      }
      CHECK(static_cast<double>(setup.buffer.priority({0, 3})) ==
            Approx(std::sqrt(0.9 * largest + 0.1 * mean + 1e-3)));
    }
  }
}

TEST_CASE("a sequence that reaches back to its episode's start has the whole memory") {
  Hyperparameters h = constants(false, 1);
  h.burn_in = 100;
  h.sequence_length = 100;
  Setup setup(h, true);
  const auto wanted = setup.targets(0, 2);
  const double loss = setup.loss(wanted, 0, 2);
  setup.learn_from(2);
  CHECK(setup.sink.statistics.value_loss == Approx(loss).epsilon(1e-4));
}

TEST_CASE("a negative burn-in is refused, and memory with quantiles too") {
  Hyperparameters h = constants(false, 1);
  h.burn_in = -1;
  CHECK_THROWS_WITH(h.check(), Catch::StartsWith("burn_in is -1"));
  Setup setup(constants(false, 1), false);
  Hyperparameters quantiles = constants(false, 1);
  CHECK_THROWS_WITH(qr_dqn(quantiles)->check_network(setup.network),
                    Catch::Contains("qr_dqn learns from single steps"));
}
