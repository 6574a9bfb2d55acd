// Noisy layers in an optimizer step of dqn, with a linear network whose noise can be read from its gradient.
#include <algorithm>
#include <set>
#include <span>
#include <vector>

#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/rl/algorithms.h"
#include "rl/learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr std::size_t kInputs = 3, kActions = 4, kMeans = kActions * (kInputs + 1);
constexpr std::size_t kTaken = 2;
constexpr float kReward = 0.25f;
const std::vector<float> kBefore{0.5f, -1, 2}, kAfter{1, 0.25f, -0.5f};

class Setup {
 public:
  Setup(bool double_q, float target_deviation, float deviation)
      : hyperparameters(constants(double_q)),
        buffer(1, 10, kInputs, 1, 0, false),
        algorithm(dqn(hyperparameters)),
        network(make_network(mlp_network({.hidden = {}}), algorithm->network(kEnvironment), 1),
                algorithm->network(kEnvironment)),
        shared(algorithm->shared_state_size(network.weights().size())) {
    REQUIRE(network.weights().size() == 2 * kMeans);
    learner = algorithm->make_learner({.environment = kEnvironment,
                                       .network = network,
                                       .sink = sink,
                                       .shared_state = shared,
                                       .replay = &buffer});
    set_deviations(target_deviation);
    learner->begin_round(Random(7));  // the weights become the target's
    set_deviations(deviation);
  }

  /// An optimizer step on the only transition.
  const std::vector<float>& step() {
    Transition transition;
    transition.before = kBefore;
    transition.action = {&action, 1};
    transition.reward = kReward;
    transition.after = kAfter;
    buffer.store(0, transition);
    learner->learn_segment({});
    return sink.gradient;
  }

 private:
  static Hyperparameters constants(bool double_q) {
    Hyperparameters h;
    h.algorithm = "dqn";
    h.noisy_layers = true;
    h.double_q = double_q;
    h.minibatch_size = 1;
    h.learning_starts = 0;
    h.replay_ratio = 1;
    h.gamma = 0.5;
    h.huber_delta = 0;
    h.target_period = 1'000'000;
    return h;
  }
  void set_deviations(float deviation) {
    const auto weights = network.weights();
    std::fill(weights.begin(), weights.begin() + kMeans, 0.0f);
    std::fill(weights.begin() + kMeans, weights.end(), deviation);
  }

  Hyperparameters hyperparameters;
  const float action = kTaken;
  ReplayBuffer buffer;
  std::unique_ptr<Algorithm> algorithm;
  LocalNetwork network;
  std::vector<float> shared;
  Recorder sink;
  std::unique_ptr<Learner> learner;
};

constexpr std::size_t kBias = kActions * kInputs + kTaken;

}  // namespace

TEST_CASE("the weights are learnt with the noise that their deviations' derivatives have") {
  Setup setup(true, 0, 1);
  std::set<float> errors;
  for (int i = 0; i < 20; ++i) {
    const auto& gradient = setup.step();
    const float error = gradient[kBias];
    errors.insert(error);
    float value = gradient[kMeans + kBias] / error;
    for (std::size_t k = 0; k < kInputs; ++k) {
      const std::size_t weight = kTaken * kInputs + k;
      value += gradient[kMeans + weight] / gradient[weight] * kBefore[k];
    }
    // The target has no noise, and all its means are 0.
    CHECK(value - kReward == Approx(error).epsilon(1e-3));
    CHECK(gradient[kMeans] == 0);
  }
  CHECK(errors.size() == 20);
}

TEST_CASE("the target network has noise of its own, drawn for each optimizer step") {
  for (const bool double_q : {true, false}) {
    Setup setup(double_q, 1, 0), same(double_q, 1, 0);
    std::set<float> errors;
    for (int i = 0; i < 20; ++i) {
      const float error = setup.step()[kBias];
      errors.insert(error);
      CHECK(same.step()[kBias] == error);
    }
    CHECK(errors.size() == 20);
    // Without double_q the largest of four noisy values is taken, which the target's noise alone decides.
    if (!double_q)
      CHECK(std::count_if(errors.begin(), errors.end(), [](float e) { return e < -kReward; }) > 10);
  }
}
