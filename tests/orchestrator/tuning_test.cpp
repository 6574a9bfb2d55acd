// Hyperparameters that change between rounds.
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/rl/tunable.h"
#include "orchestrator/trained.h"
#include "support/catch.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

OrchestratorOptions options_of(WorkerMode mode, double learning_rate = 1e-2) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = 1;
  options.worker_timeout = Milliseconds{120'000};
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = "ppo";
  hyper.learning_rate = learning_rate;
  hyper.round_steps = 200;
  hyper.minibatch_size = 50;
  return options;
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options) {
  const ActionSpace space{.choices = {3}, .low = {}, .high = {}};
  return std::make_unique<CoreOrchestrator>(target_factory(space, false), mlp_network({.hidden = {8}}),
                                            options);
}

void tune(CoreOrchestrator& trainer, const std::string& name, double value) {
  const std::vector<NamedValue> values{{name, value}};
  trainer.tune(values);
}

double rate_of_next_round(CoreOrchestrator& trainer) {
  return trainer.train_round().learning_rate;
}

}  // namespace

TEST_CASE("a trainer goes on with the values it was given, as one that had them from the beginning",
          "[forks]") {
  const WorkerMode mode = GENERATE(WorkerMode::kCaller, WorkerMode::kThreads, WorkerMode::kProcesses);
  CAPTURE(static_cast<int>(mode));
  const auto trainer = make(options_of(mode, 1e-3));
  CHECK(rate_of_next_round(*trainer) == Approx(1e-3));
  // Before the first round of another one, which then has learnt all of it with the new value.
  const auto tuned = make(options_of(mode, 1e-3)), given = make(options_of(mode, 5e-2));
  tune(*tuned, "learning_rate", 5e-2);
  CHECK(tuned->hyperparameters().learning_rate == 5e-2);
  for (int round = 0; round < 3; ++round) {
    CHECK(rate_of_next_round(*tuned) == Approx(5e-2));
    given->train_round();
    CHECK(weights_of(*tuned) == weights_of(*given));
  }
  // In the middle, and with what the loss weighs by.
  const auto before = weights_of(*trainer);
  tune(*trainer, "learning_rate", 2e-3);
  tune(*trainer, "entropy_weight", 0.5);
  CHECK(weights_of(*trainer) == before);
  CHECK(rate_of_next_round(*trainer) == Approx(2e-3));
  CHECK(weights_of(*trainer) != before);
}

TEST_CASE("values that stay change nothing, bit for bit") {
  const auto left = make(options_of(WorkerMode::kCaller)), touched = make(options_of(WorkerMode::kCaller));
  for (int round = 0; round < 3; ++round) {
    left->train_round();
    tune(*touched, "learning_rate", 1e-2);
    touched->train_round();
  }
  CHECK(weights_of(*left) == weights_of(*touched));
}

TEST_CASE("several workers go on with the values, and so does one that takes a dead one's place", "[forks]") {
  OrchestratorOptions options = options_of(WorkerMode::kProcesses);
  options.workers = 2;
  options.max_crashes_per_minute = 10;
  const auto trainer = make(options);
  trainer->train_round();
  tune(*trainer, "learning_rate", 3e-2);
  CHECK(rate_of_next_round(*trainer) == Approx(3e-2));
  for (const int pid : trainer->worker_pids())
    if (pid > 0) kill(pid, SIGKILL);
  CHECK(rate_of_next_round(*trainer) == Approx(3e-2));
  CHECK(trainer->worker_restarts() >= 1);
}

TEST_CASE("what cannot be tuned, or to such a value, is named and changes nothing") {
  const auto trainer = make(options_of(WorkerMode::kCaller));
  CHECK_THROWS_WITH(tune(*trainer, "epochs", 3),
                    Contains("'epochs' cannot change while a run is trained; expected "
                             "one of gamma, gae_lambda"));
  CHECK_THROWS_WITH(tune(*trainer, "gamma", 1.5), Contains("gamma is 1.5; expected"));
  CHECK_THROWS_AS(tune(*trainer, "learning_rate", 0), ArgumentError);
  const std::vector<NamedValue> values{{"entropy_weight", 0.25}, {"gamma", -1}};
  CHECK_THROWS_AS(trainer->tune(values), ArgumentError);
  CHECK(trainer->hyperparameters().entropy_weight == 0);
  CHECK(trainer->tunable().size() == tunable_names().size());
}

TEST_CASE("each tunable name is a field that check() knows as possible") {
  Hyperparameters hyper;
  for (const std::string_view name : tunable_names()) {
    CAPTURE(name);
    double* const field = tunable_field(hyper, name);
    REQUIRE(field != nullptr);
    const double before = *field;
    *field = before * 0.9;
    CHECK_NOTHROW(hyper.check());
    CHECK(*tunable_field(std::as_const(hyper), name) == *field);
  }
  CHECK(tunable_field(hyper, "momentum") == nullptr);
  PopulationOptions population;
  population.explored = {{"gamma", 0.5, 1.5}};
  CHECK_THROWS_WITH(check_explored(population, hyper),
                    Contains("'gamma' is explored from 0.5 to 1.5, and with 1.5: gamma is 1.5; expected"));
  population.explored = {{"workers", 1, 2}};
  CHECK_THROWS_WITH(check_explored(population, hyper),
                    Contains("'workers' cannot be explored; expected one of"));
}
