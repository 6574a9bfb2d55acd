// Dyna-Q on workers, modellers and planners.
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/saveable.h"
#include "orchestrator/trained.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

OrchestratorOptions options_for(int workers, WorkerMode mode = WorkerMode::kThreads) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.worker_timeout = Milliseconds{120'000};
  options.replay_capacity = 2'000;
  options.hyperparameters = dyna_q_hyperparameters();
  Hyperparameters& hyper = options.hyperparameters;
  hyper.schedule = Schedule::kConstant;
  hyper.final_learning_rate = 0;
  hyper.round_steps = 250;
  hyper.learning_starts = 200;
  hyper.minibatch_size = 32;
  hyper.replay_ratio = 1;
  hyper.planning_ratio = 1;
  hyper.planning_starts = 400;
  hyper.planning_steps = 2;
  hyper.model_ensemble = 2;
  hyper.model_units = 16;
  hyper.epsilon_steps = 1'000;
  return options;
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options) {
  return std::make_unique<CoreOrchestrator>([](const EnvironmentContext&) { return make_cart_pole(); },
                                            mlp_network({.hidden = {16}, .activation = Activation::kRelu}),
                                            options);
}

}  // namespace

TEST_CASE("one worker with dyna_q learns a model and imagines as much as the ratio allows") {
  const auto trainer = make(options_for(1));
  std::uint64_t steps = 0;
  double imagined = 0;
  for (int round = 0; round < 12; ++round) {
    const RoundReport report = trainer->train_round();
    steps += report.optimizer_steps;
    imagined += report.imagined * static_cast<double>(report.optimizer_steps);
    if (round == 0) CHECK(report.imagined == 0);
    if (round == 11) {
      CHECK(report.imagined == Approx(0.5));
      CHECK(report.optimizer_steps == 500);
      CHECK(report.model_error > 0);
      CHECK(report.model_error < 0.5);
    }
  }
  const double real = 12 * 250 - 199;
  CHECK(static_cast<double>(steps) - imagined == Approx(real));
  CHECK(imagined <= real);
}

TEST_CASE("a resumed run with dyna_q goes on exactly, model and priorities too, and two runs are equal") {
  for (const double sweeping : {0.0, 0.6}) {
    OrchestratorOptions options = options_for(1);
    options.hyperparameters.sweeping_exponent = sweeping;
    options.hyperparameters.planning_ratio = 0.7;
    options.hyperparameters.round_steps = 251;
    const auto whole = make(options), again = make(options);
    for (int round = 0; round < 4; ++round) {
      whole->train_round();
      again->train_round();
    }
    CHECK(weights_of(*again) == weights_of(*whole));
    StateWriter writer;
    whole->save(writer);
    const Checkpoint checkpoint = writer.take();
    const auto weights = weights_of(*whole);
    const auto resumed = make(options);
    resumed->write_weights(weights);
    resumed->restore(StateReader(checkpoint, "test"));
    for (int round = 0; round < 4; ++round) {
      const RoundReport one = whole->train_round(), other = resumed->train_round();
      CHECK(one.model_error == other.model_error);
      CHECK(one.imagined == other.imagined);
      CHECK(one.imagined > 0);
    }
    CHECK(weights_of(*resumed) == weights_of(*whole));
    // A model of another size is not that of the state.
    options.hyperparameters.model_units = 8;
    CHECK_THROWS_AS(make(options)->restore(StateReader(checkpoint, "test")), LayoutError);
  }
}

TEST_CASE("modellers and planners beside workers learn, whatever is shared", "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    for (const Sharing sharing : {Sharing::kHogwild, Sharing::kMutex, Sharing::kServer, Sharing::kLocal}) {
      OrchestratorOptions options = options_for(sharing == Sharing::kMutex ? 2 : 1, mode);
      options.hyperparameters.sharing = sharing;
      options.hyperparameters.modellers = 1;
      options.hyperparameters.planners = 2;
      const auto trainer = make(options);
      CHECK(trainer->workers() == options.workers);
      double imagined = 0, error = 1;
      for (int round = 0; round < 40; ++round) {
        const RoundReport report = trainer->train_round();
        CHECK(report.steps_in_round == static_cast<std::uint64_t>(250 * options.workers));
        imagined += report.imagined * static_cast<double>(report.optimizer_steps);
        error = report.model_error;
      }
      INFO(sharing_name(sharing));
      CHECK(imagined > 0);
      // What two workers store decides; each has one optimizer step for each of its steps.
      CHECK(imagined <= 40.0 * 250 * options.workers);
      CHECK(error < 1);
      const auto weights = weights_of(*trainer);
      CHECK(std::all_of(weights.begin(), weights.end(), [](float weight) { return std::isfinite(weight); }));
      CHECK(trainer->evaluate({.episodes = 3, .greedy = true}).size() == 3);
    }
  }
}

TEST_CASE("a modeller or a planner that is killed is replaced, and the run goes on", "[forks]") {
  OrchestratorOptions options = options_for(1, WorkerMode::kProcesses);
  options.hyperparameters.modellers = 1;
  options.hyperparameters.planners = 1;
  options.hyperparameters.round_steps = 1'000;
  options.max_crashes_per_minute = 100'000;
  CoreOrchestrator* running = nullptr;
  int looks = 0;
  options.on_wait = [&](const RoundProgress& progress) {
    if (running == nullptr || progress.optimizer_steps == 0 || running->worker_restarts() >= 4) return;
    // The worker is the first one, then come the modeller and the planner.
    const auto pids = running->worker_pids();
    REQUIRE(pids.size() == 3);
    ::kill(pids[1 + static_cast<std::size_t>(looks++ % 2)], SIGKILL);
  };
  const auto trainer = make(options);
  running = trainer.get();
  for (int round = 0; round < 100 && trainer->worker_restarts() < 4; ++round) trainer->train_round();
  CHECK(trainer->worker_restarts() >= 2);
  running = nullptr;
  double imagined = 0;
  for (int round = 0; round < 10; ++round) {
    const RoundReport report = trainer->train_round();
    CHECK(report.steps_in_round == 1'000);
    imagined += report.imagined;
  }
  CHECK(imagined > 0);
}

TEST_CASE("helpers are refused where nothing runs beside the caller's thread") {
  OrchestratorOptions options = options_for(1, WorkerMode::kCaller);
  options.hyperparameters.planners = 1;
  CHECK_THROWS_AS(make(options), ArgumentError);
  CHECK_THROWS_WITH(make(options),
                    Catch::Contains("helpers of the algorithm: 1") && Catch::Contains("WorkerMode::kCaller"));
  options.hyperparameters.planners = 0;
  CHECK(make(options)->train_round().steps_in_round == 250);
}
