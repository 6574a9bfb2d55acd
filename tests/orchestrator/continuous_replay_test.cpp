// SAC and TD3 on workers.

#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/policy.h"
#include "orchestrator/trained.h"
#include "support/catch.h"
#include "support/target_environment.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const ActionSpace kBox{.choices = {}, .low = {-1, 0}, .high = {1, 2}};

OrchestratorOptions options_for(const std::string& algorithm, int workers, WorkerMode mode) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.worker_timeout = Milliseconds{120'000};
  options.replay_capacity = 4'000;
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = algorithm;
  hyper.optimizer = "adam";
  hyper.weight_decay = 0;
  hyper.learning_rate = 3e-3;
  hyper.gamma = 0.5;
  hyper.round_end = RoundEnd::kStep;
  hyper.round_steps = 250;
  hyper.learning_starts = 200;
  hyper.minibatch_size = 32;
  hyper.replay_ratio = 1;
  hyper.target_rate = 0.02;
  return options;
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options) {
  return std::make_unique<CoreOrchestrator>(
      target_factory(kBox), mlp_network({.hidden = {32}, .activation = Activation::kRelu}), options);
}

}  // namespace

TEST_CASE("sac and td3 learn a continuous task on one worker and on two, and for two the best is 10") {
  for (const std::string algorithm : {"sac", "td3"}) {
    for (const int workers : {1, 2}) {
      CAPTURE(algorithm, workers);
      const auto trainer = make(options_for(algorithm, workers, WorkerMode::kProcesses));
      const double before = mean_greedy_return(*trainer);
      for (int i = 0; i < 10; ++i) trainer->train_round();
      CHECK(before < 7);
      CHECK(mean_greedy_return(*trainer) > 8.3);
    }
  }
}

TEST_CASE("one worker and one seed give the same sac and td3, and another seed another") {
  for (const std::string algorithm : {"sac", "td3"}) {
    CAPTURE(algorithm);
    std::vector<std::vector<float>> weights;
    for (const std::uint64_t seed : {1, 1, 2}) {
      OrchestratorOptions options = options_for(algorithm, 1, WorkerMode::kThreads);
      options.seed = seed;
      const auto trainer = make(options);
      for (int i = 0; i < 3; ++i) trainer->train_round();
      weights.push_back(weights_of(*trainer));
    }
    CHECK(weights[0] == weights[1]);
    CHECK(weights[0] != weights[2]);
  }
}

TEST_CASE("a policy of sac or td3 is loaded from its file without the program that made it") {
  const TemporaryDirectory place;
  for (const std::string algorithm : {"sac", "td3"}) {
    CAPTURE(algorithm);
    const auto trainer = make(options_for(algorithm, 1, WorkerMode::kProcesses));
    trainer->train_round();
    const auto path = place.path() / (algorithm + ".safetensors");
    write_safetensors(path, Checkpoint{trainer->layout(), weights_of(*trainer), trainer->policy_metadata()});
    Policy policy = load_policy(path);
    TargetEnvironment environment(kBox);
    const Observation observation = environment.reset(1);
    const Action action = policy.act(observation, {});
    REQUIRE(action.size() == 2);
    CHECK(kBox.low[1] <= action[1]);
    CHECK(action[1] <= kBox.high[1]);
  }
}
