// Rounds that end in the middle of an episode, and what is seen of a round that goes on.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/process_probes.h"
#include "orchestrator/trained.h"
#include "rl/worker.h"
#include "support/catch.h"
#include "support/chain_environment.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// Pays 1 a step and never ends in anybody's lifetime.
class Endless : public DiscreteEnvironment {
 public:
  /// `step_time` is how long a step takes, as with a device.
  explicit Endless(Milliseconds step_time = Milliseconds{0}) : step_time_(step_time) {
    spec_.name = "Endless";
    spec_.observation_size = 1;
    spec_.action_count = 2;
    spec_.time_limit = 2'000'000'000;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override { return observation_; }
  StepResult step(int) override {
    if (step_time_ > Milliseconds{0}) std::this_thread::sleep_for(step_time_);
    return {observation_, 1.0f, false, false};
  }

 private:
  EnvironmentSpec spec_;
  std::vector<float> observation_{1.0f};
  Milliseconds step_time_;
};

EnvironmentFactory endless(Milliseconds step_time = Milliseconds{0}) {
  return [step_time] { return std::make_unique<Endless>(step_time); };
}

OrchestratorOptions options_for(const char* algorithm, int workers, WorkerMode mode) {
  OrchestratorOptions options;
  options.workers = workers;
  options.mode = mode;
  options.hyperparameters.algorithm = algorithm;
  options.hyperparameters.gamma = 0.9;
  return options;
}

}  // namespace

TEST_CASE("a round that is cut ends in the middle of its episodes, is learnt from, and is counted",
          "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    for (const char* algorithm : {"a3c", "ppo"}) {
      auto options = options_for(algorithm, 2, mode);
      std::uint64_t played = 0;
      options.on_wait = [&](const RoundProgress& progress) { played = progress.so_far.steps; };
      options.cut_round = [&] { return played >= 50; };
      CoreOrchestrator trainer(endless(Milliseconds{1}), thesis_network(), options);
      const auto before = weights_of(trainer);
      const RoundReport round = trainer.train_round();
      REQUIRE(round.cut_short);
      REQUIRE(round.steps_in_round >= 50);
      REQUIRE(round.steps_in_round < 2 * 65'536);
      REQUIRE(round.optimizer_steps > 0);
      REQUIRE(round.episodes.empty());
      REQUIRE(trainer.rounds() == 1);
      REQUIRE(trainer.environment_steps() == round.steps_in_round);
      REQUIRE(trainer.round_progress().so_far.steps == round.steps_in_round);
      const auto after = weights_of(trainer);
      REQUIRE(after != before);
      REQUIRE(std::all_of(after.begin(), after.end(), [](float w) { return std::isfinite(w); }));
    }
  }
}

TEST_CASE("a round that is cut before its first step changes nothing") {
  for (const char* algorithm : {"a3c", "ppo"}) {
    auto options = options_for(algorithm, 1, WorkerMode::kThreads);
    bool cut = false;
    options.cut_round = [&] { return cut; };
    options.hyperparameters.environments_per_worker = 3;
    // The lead looks before the workers have woken, or after: either way the round ends.
    CoreOrchestrator trainer(endless(), thesis_network(), options);
    const auto before = weights_of(trainer);
    cut = true;
    const RoundReport round = trainer.train_round();
    REQUIRE(round.cut_short);
    if (round.steps_in_round == 0) REQUIRE(weights_of(trainer) == before);
  }
}

TEST_CASE("a round that nobody cuts is not cut short") {
  auto options = options_for("a3c", 2, WorkerMode::kThreads);
  options.cut_round = [] { return false; };
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
  const RoundReport round = trainer.train_round();
  REQUIRE_FALSE(round.cut_short);
  REQUIRE(round.episodes.size() == 2);
}

TEST_CASE("a worker that is stuck in a step does not keep a cut round from being given up", "[forks]") {
  const LogOfLead log;
  auto options = options_for("a3c", 1, WorkerMode::kProcesses);
  Mischief mischief;
  mischief.at_step = [] {
    while (true) ::pause();
  };
  int looks = 0;
  options.cut_round = [&] { return looks > 1; };
  options.on_wait = [&](const RoundProgress&) { ++looks; };
  options.give_up = [&] { return looks > 3; };
  int pid = 0;
  {
    CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), options);
    pid = trainer.worker_pids()[0];
    REQUIRE_THROWS_AS(trainer.train_round(), StoppedError);
  }
  REQUIRE(::kill(pid, 0) == -1);
}

TEST_CASE("an episode without an end is cut in training, so that the memory of a round is bounded") {
  for (const char* algorithm : {"a3c", "ppo"}) {
    auto options = options_for(algorithm, 1, WorkerMode::kThreads);
    options.hyperparameters.epochs = 1;
    options.hyperparameters.minibatch_size = 4096;
    options.replay_capacity = 2;
    CoreOrchestrator trainer(endless(), thesis_network(), options);
    for (int i = 0; i < 2; ++i) {
      const RoundReport round = trainer.train_round();
      REQUIRE_FALSE(round.cut_short);
      REQUIRE(round.steps_in_round == 65'536);
      REQUIRE(round.episodes.size() == 1);
      REQUIRE(round.episodes[0].length == 65'536);
      REQUIRE(round.episodes[0].truncated);
      REQUIRE(round.episodes[0].episode_return == 65'536);
      REQUIRE(trainer.replay_buffer()->in_time_order(0, 1).truncated[0] != 0);
    }
  }
}

TEST_CASE("an episode without an end is cut in an evaluation too, and a warning says so once", "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    for (const bool greedy : {true, false}) {
      const LogOfLead log;
      CoreOrchestrator trainer(endless(), thesis_network(), options_for("ppo", 2, mode));
      for (int i = 0; i < 2; ++i) {
        const auto episodes = trainer.evaluate({.episodes = 3, .seed = 1, .greedy = greedy});
        REQUIRE(episodes.size() == 3);
        for (const EpisodeResult& episode : episodes) {
          REQUIRE(episode.length == 65'536);
          REQUIRE(episode.truncated);
          REQUIRE(episode.episode_return == 65'536);
        }
      }
      const std::string told =
          "3 of 3 evaluated episodes of 'Endless' had no end and were cut after 65536 steps";
      REQUIRE_THAT(log.text(), Catch::Contains(told) && Catch::Contains("set a time limit"));
      REQUIRE(log.text().find(told) == log.text().rfind(told));
    }
  }
}

TEST_CASE("what follows the cut of an episode has a value, also where a time limit has none") {
  // All observations are alike, so all values are one number V, and rewards are next to nothing: the returns
  // are V when V follows the cut, and 0 when nothing does. The loss is (returns - V)^2.
  auto options = options_for("a3c", 1, WorkerMode::kThreads);
  options.hyperparameters.bootstrap_truncated = false;
  options.hyperparameters.gamma = 1;
  options.hyperparameters.reward_scale = 1e-12;
  options.hyperparameters.batch_size = 65'536;
  const auto network = mlp_network({{8}, true});
  CoreOrchestrator trainer(endless(), network, options);
  const auto function = network(actor_critic_network(trainer.environment_spec()), 1)->make_policy_function();
  const float value = function->value(weights_of(trainer), std::vector<float>{1.0f});
  REQUIRE(std::abs(value) > 0.01);
  const RoundReport round = trainer.train_round();
  REQUIRE(round.optimizer_steps == 1);
  REQUIRE(round.value_loss < 0.01 * value * value);
}

TEST_CASE("the bound of an episode in training touches no ordinary task") {
  REQUIRE(longest_training_episode(1) == 65'536);
  REQUIRE(longest_training_episode(8) == 65'536);
  REQUIRE(longest_training_episode(1'024) == 65'536);
  REQUIRE(longest_training_episode(10'000) == (1u << 26) / 10'000);
  REQUIRE(longest_training_episode(100'000) == 1'024);
  REQUIRE(longest_training_episode(std::numeric_limits<int>::max()) == 1'024);
}

TEST_CASE("the progress of a round and of an evaluation is told while it goes on", "[forks]") {
  auto options = options_for("a3c", 2, WorkerMode::kProcesses);
  std::vector<RoundProgress> seen;
  options.on_wait = [&](const RoundProgress& progress) { seen.push_back(progress); };
  CoreOrchestrator trainer(endless(), thesis_network(), options);
  REQUIRE(seen.empty());
  const RoundReport round = trainer.train_round();
  REQUIRE_FALSE(seen.empty());
  for (std::size_t i = 1; i < seen.size(); ++i) {
    REQUIRE(seen[i].so_far.steps >= seen[i - 1].so_far.steps);
    REQUIRE(seen[i].so_far.episodes >= seen[i - 1].so_far.episodes);
    REQUIRE_FALSE(seen[i].evaluation);
  }
  const RoundProgress after = trainer.round_progress();
  REQUIRE(after.so_far.steps == round.steps_in_round);
  REQUIRE(after.so_far.episodes == round.episodes.size());
  REQUIRE(after.optimizer_steps == round.optimizer_steps);

  CoreOrchestrator short_trainer(chain_factory(), thesis_network(), options);
  short_trainer.evaluate({5000, 1, false});
  REQUIRE(short_trainer.round_progress().evaluation);
  REQUIRE(short_trainer.round_progress().so_far.episodes == 5000);
  REQUIRE(short_trainer.round_progress().so_far.steps == 0);
}
