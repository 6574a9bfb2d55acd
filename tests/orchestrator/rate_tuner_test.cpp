#include "orchestrator/rate_tuner.h"

#include <cmath>
#include <set>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "support/catch.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

/// A machine on which three predictors and five workers are best.
double rate_of(const RateTuner::Setting& setting) {
  return 1000.0 - 50 * std::abs(setting.predictors - 3) - 30 * std::abs(setting.workers - 5);
}

}  // namespace

TEST_CASE("the tuner finds the numbers that play the most steps") {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    const RateTuner::Setting most{6, 9};
    RateTuner tuner(1, most, seed);
    CHECK(tuner.setting() == most);
    Clock::time_point now{};
    tuner.take(0, now);
    int at_best = 0;
    for (int i = 0; i < 400; ++i) {
      CHECK(tuner.setting().predictors >= 1);
      CHECK(tuner.setting().predictors <= most.predictors);
      CHECK(tuner.setting().workers >= 1);
      CHECK(tuner.setting().workers <= most.workers);
      const auto steps = static_cast<std::uint64_t>(rate_of(tuner.setting()));
      now += Milliseconds{1'001};
      tuner.take(steps, now);
      if (i >= 300 && tuner.setting() == RateTuner::Setting{3, 5}) ++at_best;
    }
    // Every other window tries a neighbour.
    CHECK(at_best >= 45);
  }
}

TEST_CASE("the tuner measures a setting for as long as it is told to") {
  RateTuner tuner(10, {2, 1}, 1);
  Clock::time_point now{};
  tuner.take(1'000'000, now);
  for (int second = 1; second < 10; ++second) {
    now += Milliseconds{1'000};
    tuner.take(100, now);
    CHECK(tuner.setting() == RateTuner::Setting{2, 1});
  }
  now += Milliseconds{1'000};
  tuner.take(100, now);
  CHECK(tuner.setting() == RateTuner::Setting{1, 1});
  // Slower: taken back.
  now += Milliseconds{10'000};
  tuner.take(900, now);
  CHECK(tuner.setting() == RateTuner::Setting{2, 1});
}

TEST_CASE("one predictor and one worker are all that there can be") {
  RateTuner tuner(1, {1, 1}, 1);
  Clock::time_point now{};
  for (int i = 0; i < 10; ++i) {
    now += Milliseconds{1'500};
    tuner.take(10, now);
    CHECK(tuner.setting() == RateTuner::Setting{1, 1});
  }
}

TEST_CASE("a trainer learns while it is tuned", "[forks]") {
  OrchestratorOptions options;
  options.workers = 3;
  options.learning = Learning::kCentral;
  options.actor_mode = ActorMode::kAsynchronous;
  options.inference.predictors = 2;
  options.inference.tune_seconds = 1e-3;
  options.hyperparameters = tuned_hyperparameters();
  options.hyperparameters.schedule_steps = 100'000;
  options.hyperparameters.round_end = RoundEnd::kStep;
  options.hyperparameters.round_steps = 300;
  options.hyperparameters.vtrace = true;
  const auto make = [&] {
    return CoreOrchestrator(target_factory({.choices = {3}, .low = {}, .high = {}}, false),
                            mlp_network({.hidden = {8}}), options);
  };
  CoreOrchestrator trainer = make();
  std::set<std::pair<int, int>> seen;
  for (int i = 0; i < 60; ++i) {
    CHECK(trainer.train_round().steps_in_round >= 300);
    seen.emplace(trainer.active_predictors(), trainer.active_workers());
  }
  CHECK(seen.size() >= 3);
  CHECK(trainer.worker_restarts() == 0);

  options.actor_mode = ActorMode::kWaiting;
  CHECK_THROWS_WITH(make(), Contains("tune_seconds is 0.001") && Contains("asynchronous"));
  options.actor_mode = ActorMode::kAsynchronous;
  options.inference.predictors = 0;
  CHECK_THROWS_WITH(make(), Contains("predictors is 0"));
  options.inference.predictors = 1;
  options.inference.tune_seconds = -1;
  CHECK_THROWS_WITH(make(), Contains("tune_seconds is -1"));
}
