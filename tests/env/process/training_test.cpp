#include <string>

#include "genkidama/core/log.h"
#include "genkidama/env/process_environment.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "support/catch.h"
#include "support/patience.h"
#include "support/temporary_directory.h"

// What training sees of a process that fails.

namespace genkidama::test {
namespace {

TEST_CASE("training goes on when a process dies, and counts what it has lost", "[forks]") {
  const auto mode = GENERATE(WorkerMode::kProcesses, WorkerMode::kThreads);
  CAPTURE(mode == WorkerMode::kThreads);
  TemporaryDirectory directory;
  ProcessEnvironmentOptions environment;
  environment.command = {GENKIDAMA_PYTHON3, "-B", GENKIDAMA_ROGUE, "dies-in-each-third-episode",
                         (directory / "starts").string()};
  environment.start_timeout = environment.step_timeout = Milliseconds(patient_seconds(20));
  set_log_level(LogLevel::kError);
  OrchestratorOptions options;
  options.workers = 2;
  options.mode = mode;
  options.hyperparameters.round_steps = 30;
  CoreOrchestrator trainer(
      [&environment](const EnvironmentContext& context) {
        return make_process_environment(environment, context);
      },
      mlp_network(), options);
  std::uint64_t lost = 0;
  for (int i = 0; i < 3; ++i) {
    const RoundReport round = trainer.train_round();
    // Of each episode that is lost, two steps were played and are learnt from.
    CHECK(round.steps_in_round == 5 * round.episodes.size() + 2 * round.lost_episodes);
    for (const EpisodeResult& episode : round.episodes) CHECK(episode.length == 5);
    CHECK(round.worker_restarts == 0);
    lost += round.lost_episodes;
  }
  CHECK(lost >= 6);
  // An episode that is lost in an evaluation is played again.
  const auto results = trainer.evaluate({.episodes = 20, .seed = 5, .greedy = true});
  CHECK(results.size() == 20);
  for (const EpisodeResult& episode : results) CHECK(episode.length == 5);
  set_log_level(LogLevel::kInfo);
}

TEST_CASE("a process that fails in every reset() ends training with the reason", "[forks]") {
  TemporaryDirectory directory;
  ProcessEnvironmentOptions environment;
  environment.command = {GENKIDAMA_PYTHON3, "-B", GENKIDAMA_ROGUE, "dies-in-reset",
                         (directory / "starts").string()};
  set_log_level(LogLevel::kError);
  OrchestratorOptions options;
  options.workers = 1;
  options.max_crashes_per_minute = 0;
  CoreOrchestrator trainer(
      [&environment](const EnvironmentContext& context) {
        return make_process_environment(environment, context);
      },
      mlp_network(), options);
  CHECK_THROWS_WITH(trainer.train_round(),
                    Catch::Contains("failed 3 times in a row before an episode had started"));
  set_log_level(LogLevel::kInfo);
}

}  // namespace
}  // namespace genkidama::test
