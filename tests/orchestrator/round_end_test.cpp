// Rounds that end after a number of steps; unfinished episodes go on in the next one.
#include "genkidama/rl/round_end.h"

#include <signal.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/trained.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// What one environment was asked for, in shared memory, so that the lead sees it.
struct Calls {
  long resets = 0, steps = 0;
  bool changes = false;  ///< from now on, it is another one
  bool dies = false;     ///< at the next step
};

/// Counts upwards, from the seed on, and ends after `length` steps. The observation tells what has happened.
class Counting final : public DiscreteEnvironment {
 public:
  Counting(int length, bool repeatable, Calls* calls) : length_(length), calls_(calls) {
    spec_.name = "Counting";
    spec_.observation_size = 2;
    spec_.action_count = 2;
    spec_.time_limit = 1'000'000;
    spec_.repeatable = repeatable;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t seed) override {
    ++calls_->resets;
    steps_ = 0;
    observation_ = {static_cast<float>(seed % 1'000) / 1'000 + (calls_->changes ? 1 : 0), 0};
    return observation_;
  }
  StepResult step(int choice) override {
    if (calls_->dies) ::raise(SIGKILL);
    ++calls_->steps;
    ++steps_;
    observation_[1] = 0.5f * observation_[1] + static_cast<float>(choice);
    return {observation_, static_cast<float>(choice), steps_ == length_, false};
  }

 private:
  EnvironmentSpec spec_;
  int length_;
  Calls* calls_;
  int steps_ = 0;
  std::vector<float> observation_{0, 0};
};

OrchestratorOptions options_for(int round_steps, const char* algorithm = "ppo",
                                WorkerMode mode = WorkerMode::kThreads) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = 1;
  options.worker_timeout = Milliseconds{120'000};
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = algorithm;
  hyper.round_end = RoundEnd::kStep;
  hyper.round_steps = round_steps;
  hyper.optimizer = "adam";
  hyper.learning_rate = 1e-3;
  return options;
}

std::unique_ptr<CoreOrchestrator> counting(int length, bool repeatable, Calls* calls,
                                           const OrchestratorOptions& options) {
  const EnvironmentFactory factory = [=] { return std::make_unique<Counting>(length, repeatable, calls); };
  return std::make_unique<CoreOrchestrator>(factory, mlp_network({.hidden = {8}}), options);
}

}  // namespace

TEST_CASE("a round that ends with steps has just so many, and its episodes go on in the next one") {
  Calls calls;
  const auto trainer = counting(70, true, &calls, options_for(32));
  std::vector<std::size_t> ended;
  for (int round = 1; round <= 9; ++round) {
    const RoundReport report = trainer->train_round();
    CHECK(report.steps_in_round == 32);
    CHECK_FALSE(report.cut_short);
    ended.push_back(report.episodes.size());
    for (const auto& episode : report.episodes) CHECK(episode.length == 70);
    CHECK(report.optimizer_steps > 0);
  }
  // After 70, 140, 210 and 280 of 288 steps.
  CHECK(ended == std::vector<std::size_t>{0, 0, 1, 0, 1, 0, 1, 0, 1});
  CHECK(calls.steps == 9 * 32);
  CHECK(calls.resets == 5);
  CHECK(trainer->environment_steps() == 9 * 32);
}

TEST_CASE("rounds that end with steps share them among environments, and short episodes fill a report") {
  Calls calls;
  auto options = options_for(32);
  options.hyperparameters.environments_per_worker = 5;
  const auto trainer = counting(70, true, &calls, options);
  // Each turn is a step of each environment.
  for (int round = 0; round < 4; ++round) CHECK(trainer->train_round().steps_in_round == 35);
  CHECK(calls.resets == 5);

  Calls short_calls;
  const auto short_ones = counting(1, true, &short_calls, options_for(5'000));
  std::uint64_t steps = 0;
  for (int round = 0; round < 3; ++round) {
    const RoundReport report = short_ones->train_round();
    CHECK(report.episodes.size() == report.steps_in_round);
    CHECK(report.episodes.size() <= 1024);
    steps += report.steps_in_round;
  }
  CHECK(steps > 3'000);
}

TEST_CASE("a run whose rounds end with steps goes on from its state bit for bit", "[forks]") {
  const std::string what = GENERATE("ppo", "a3c", "environments", "memory", "normalised", "noise", "workers");
  CAPTURE(what);
  auto options = options_for(150, what == "a3c" ? "a3c" : "ppo", WorkerMode::kProcesses);
  Hyperparameters& hyper = options.hyperparameters;
  options.replay_capacity = 300;
  if (what == "environments") hyper.environments_per_worker = 4;
  if (what == "normalised") hyper.normalise_observations = hyper.normalise_rewards = true;
  if (what == "noise") hyper.noise_correlation = 0.5;
  MlpOptions network{.hidden = {8}};
  if (what == "memory") network.memory = 6;
  const auto make = [&](int workers = 1) {
    options.workers = workers;
    return std::make_unique<CoreOrchestrator>(make_cart_pole, mlp_network(network), options);
  };
  const auto whole = make(), first = make(), second = make();
  for (int i = 0; i < 7; ++i) whole->train_round();
  for (int i = 0; i < 4; ++i) {
    first->train_round();
    // An evaluation plays in the environment of the unfinished episode.
    if (i % 2 == 1) first->evaluate({.episodes = 3, .seed = 9, .greedy = true});
  }
  const SavedState state(*first);
  if (what == "workers") {
    // Those beyond the first begin new episodes.
    const auto three = make(3);
    three->write_weights(weights_of(*first));
    three->restore(state.reader());
    CHECK(three->train_round().steps_in_round == 3 * 150);
  }
  const auto go_on = [&](CoreOrchestrator& trainer) {
    trainer.write_weights(weights_of(*first));
    trainer.restore(state.reader());
    std::vector<double> returns;
    for (int i = 0; i < 3; ++i) {
      for (const auto& episode : trainer.train_round().episodes) returns.push_back(episode.episode_return);
    }
    return returns;
  };
  const auto returns = go_on(*second);
  CHECK(weights_of(*second) == weights_of(*whole));
  const TransitionBatch rows = whole->replay_buffer()->in_time_order(0, 300);
  CHECK(second->replay_buffer()->in_time_order(0, 300).observations == rows.observations);
  // What the trainer itself has played since then counts no more.
  second->train_round();
  CHECK(go_on(*second) == returns);
  CHECK(weights_of(*second) == weights_of(*whole));
}

TEST_CASE("an episode that cannot be played again ends with an evaluation or a resume") {
  Calls calls;
  const auto trainer = counting(70, false, &calls, options_for(32));
  trainer->train_round();
  trainer->evaluate({.episodes = 1, .seed = 1, .greedy = true});
  CHECK(calls.resets == 2);
  CHECK(calls.steps == 32 + 70);
  trainer->train_round();
  CHECK(calls.resets == 3);
  CHECK(calls.steps == 2 * 32 + 70);
  const SavedState state(*trainer);
  trainer->restore(state.reader());
  trainer->train_round();
  CHECK(calls.resets == 4);
  CHECK(calls.steps == 3 * 32 + 70);
  CHECK(trainer->train_round().steps_in_round == 32);
  CHECK(calls.resets == 4);
}

TEST_CASE("an episode that comes out otherwise when it is played again is given up") {
  Calls calls;
  const auto trainer = counting(70, true, &calls, options_for(32));
  trainer->train_round();
  const SavedState state(*trainer);
  trainer->restore(state.reader());
  calls.changes = true;
  trainer->train_round();
  CHECK(calls.resets == 3);  // the first, the attempt, the new one
  CHECK(calls.steps == 3 * 32);
}

TEST_CASE("an episode with more steps than are kept goes on, but not after an evaluation") {
  Calls calls;
  const auto trainer = counting(900'000, true, &calls, options_for(20'000));
  trainer->train_round();
  trainer->train_round();
  CHECK(calls.resets == 1);
  const SavedState state(*trainer);
  CHECK(state.reader().u64s("unfinished_steps") == std::vector<std::uint64_t>{0});
  trainer->restore(state.reader());
  trainer->train_round();
  CHECK(calls.resets == 2);
  CHECK(calls.steps == 3 * 20'000);
}

TEST_CASE("a worker that dies in a round that ends with steps is replaced and begins a new episode",
          "[forks]") {
  const SharedArray<Calls> calls(1, "calls");
  const auto trainer = counting(70, true, calls.data(), options_for(32, "ppo", WorkerMode::kProcesses));
  trainer->train_round();
  calls[0].dies = true;
  // The one that takes its place lives.
  auto kill_once = std::thread([&] {
    while (trainer->worker_restarts() == 0) std::this_thread::yield();
    calls[0].dies = false;
  });
  const RoundReport report = trainer->train_round();
  kill_once.join();
  CHECK(report.worker_restarts >= 1);
  CHECK(report.steps_in_round >= 32);
  CHECK(calls[0].resets >= 2);
  CHECK(trainer->train_round().steps_in_round == 32);
}

TEST_CASE("a state whose unfinished episodes do not fit is refused, and nothing is changed") {
  Calls calls;
  const auto trainer = counting(70, true, &calls, options_for(32));
  for (int i = 0; i < 2; ++i) trainer->train_round();
  const auto before = weights_of(*trainer);
  auto other_options = options_for(150);
  CoreOrchestrator other(make_cart_pole, mlp_network({.hidden = {8}}), other_options);
  for (int i = 0; i < 2; ++i) other.train_round();
  const SavedState state(other);
  CHECK_THROWS_AS(trainer->restore(state.reader()), LayoutError);
  CHECK(weights_of(*trainer) == before);
  trainer->train_round();
  CHECK(calls.resets == 2);  // after 70 steps
}

TEST_CASE("a state with unfinished episodes is gone on from with whole episodes too") {
  Calls calls;
  const auto trainer = counting(70, true, &calls, options_for(32));
  trainer->train_round();
  const SavedState state(*trainer);
  auto options = options_for(32);
  options.hyperparameters.round_end = RoundEnd::kEpisode;
  Calls other_calls;
  const auto other = counting(70, true, &other_calls, options);
  const StateReader reader = state.reader();
  other->restore(reader);
  CHECK_NOTHROW(reader.check_all_floats_read());
  CHECK(other->train_round().steps_in_round == 70);
}

TEST_CASE("rounds that end with steps need a number of them") {
  Calls calls;
  CHECK_THROWS_WITH(counting(70, true, &calls, options_for(0)),
                    Catch::Contains("round_steps is 0") && Catch::Contains("at least 1"));
}
