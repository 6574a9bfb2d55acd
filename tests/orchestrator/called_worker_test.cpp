// WorkerMode::kCaller: the calling thread plays the rounds.

#include <sys/types.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "support/catch.h"
#include "support/chain_environment.h"

using namespace genkidama;
using genkidama::test::chain_factory;
using genkidama::test::Mischief;

namespace {

OrchestratorOptions called(const std::string& algorithm = "ppo") {
  OrchestratorOptions options;
  options.mode = WorkerMode::kCaller;
  options.seed = 5;
  options.hyperparameters.algorithm = algorithm;
  options.hyperparameters.optimizer = "adam";
  options.hyperparameters.round_steps = 60;
  options.hyperparameters.batch_size = 20;
  options.hyperparameters.minibatch_size = 20;
  return options;
}

struct Learnt {
  std::vector<float> weights;
  std::vector<double> returns, evaluated;
  std::uint64_t steps = 0, optimizer_steps = 0;

  friend bool operator==(const Learnt&, const Learnt&) = default;
};

Learnt learn(const OrchestratorOptions& options) {
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
  Learnt learnt;
  for (int i = 0; i < 6; ++i) {
    const RoundReport round = trainer.train_round();
    learnt.steps += round.steps_in_round;
    learnt.optimizer_steps += round.optimizer_steps;
    for (const auto& episode : round.episodes) learnt.returns.push_back(episode.episode_return);
    if (i != 2) continue;
    for (const auto& episode : trainer.evaluate({.episodes = 5}))
      learnt.evaluated.push_back(episode.episode_return);
  }
  learnt.weights.resize(trainer.layout().size());
  trainer.read_weights(learnt.weights);
  return learnt;
}

std::size_t tasks_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

}  // namespace

TEST_CASE("the caller's thread learns bit for bit what one worker process learns", "[forks]") {
  for (const char* algorithm : {"ppo", "a3c"}) {
    for (const bool normalises : {false, true}) {
      OrchestratorOptions options = called(algorithm);
      options.hyperparameters.normalise_observations = normalises;
      options.hyperparameters.normalise_rewards = normalises;
      const Learnt here = learn(options);
      REQUIRE(here.steps >= 360);
      REQUIRE(here.optimizer_steps > 0);
      options.mode = WorkerMode::kProcesses;
      options.workers = 1;
      REQUIRE(here == learn(options));
    }
  }
}

TEST_CASE("the caller's thread plays rounds that end after steps as a worker process does", "[forks]") {
  OrchestratorOptions options = called();
  options.hyperparameters.round_end = RoundEnd::kStep;
  options.hyperparameters.environments_per_worker = 3;
  const Learnt here = learn(options);
  REQUIRE(here.steps == 360);
  options.mode = WorkerMode::kProcesses;
  options.workers = 1;
  REQUIRE(here == learn(options));
}

TEST_CASE("the caller's thread starts no other, and one process may have many such trainers") {
  const std::size_t tasks = tasks_of_this_process();
  std::vector<std::unique_ptr<CoreOrchestrator>> trainers;
  for (int i = 0; i < 50; ++i) {
    trainers.push_back(std::make_unique<CoreOrchestrator>(chain_factory(), thesis_network(), called()));
    REQUIRE(trainers.back()->train_round().steps_in_round >= 60);
    REQUIRE(trainers.back()->workers() == 1);
    REQUIRE(trainers.back()->worker_pids().empty());
    REQUIRE(trainers.back()->worker_restarts() == 0);
  }
  REQUIRE(tasks_of_this_process() == tasks);
}

TEST_CASE("what an environment throws in the caller's thread ends the training as a worker's failure does") {
  Mischief mischief;
  mischief.at_step = [] { throw std::runtime_error("the joystick is unplugged\nand this is a trace"); };
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), called());
  for (int i = 0; i < 2; ++i) {
    REQUIRE_THROWS_WITH(trainer.train_round(),
                        "worker 1 of 1 failed: the joystick is unplugged; training "
                        "stopped, the weights are kept");
  }
  REQUIRE_THROWS_AS(trainer.evaluate({.episodes = 1}), WorkerError);
}

TEST_CASE("the caller's thread is one worker, and has no server beside it") {
  OrchestratorOptions options = called();
  options.workers = 2;
  REQUIRE_THROWS_WITH(CoreOrchestrator(chain_factory(), thesis_network(), options),
                      Catch::Contains("2 workers; expected 1"));
  options = called();
  options.hyperparameters.sharing = Sharing::kServer;
  REQUIRE_THROWS_WITH(CoreOrchestrator(chain_factory(), thesis_network(), options),
                      Catch::Contains("sharing is 'server'"));
}
