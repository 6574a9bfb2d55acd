// Training in environments that MuJoCo plays: in forked processes and in threads.
#include <cmath>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/evaluation.h"
#include "genkidama/run/preset.h"
#include "mujoco/models.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// The cart is to go to the middle of its rail and to stay there.
std::unique_ptr<Environment> make_centering() {
  MujocoOptions options = options_for(kCart);
  options.frame_skip = 10;
  options.time_limit = 40;
  options.qpos_noise = 1;
  options.reward = [](const MujocoState& state) { return -std::abs(state.qpos()[0]); };
  return std::make_unique<MujocoEnvironment>(options);
}

OrchestratorOptions options_with(WorkerMode mode, int workers) {
  run::Preset preset = run::control_preset();
  preset.hyperparameters.reward_scale = 1;
  preset.hyperparameters.round_steps = 1024;  // so that a short run has enough of them
  preset.max_steps = 30'000;
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  run::apply(preset, options);
  return options;
}

}  // namespace

TEST_CASE("a policy is learnt in MuJoCo", "[forks]") {
  CoreOrchestrator trainer(make_centering, mlp_network(), options_with(WorkerMode::kProcesses, 1));
  const EvaluationRequest greedy{.episodes = 50, .greedy = true};
  const double before = run::evaluate(trainer, greedy).mean;
  while (trainer.environment_steps() < 30'000) trainer.train_round();
  const double after = run::evaluate(trainer, greedy).mean;
  CAPTURE(before, after);
  CHECK(after > 0.5 * before);
  CHECK(after > -10);
}

TEST_CASE("workers that are processes and workers that are threads play the same", "[forks]") {
  std::vector<std::vector<float>> results;
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    CoreOrchestrator trainer(make_centering, mlp_network(), options_with(mode, 1));
    for (int i = 0; i < 3; ++i) trainer.train_round();
    results.emplace_back(trainer.layout().size());
    trainer.read_weights(results.back());
  }
  CHECK(results[0] == results[1]);
}

TEST_CASE("several threads make and play their models at the same time") {
  CoreOrchestrator trainer(make_centering, mlp_network(), options_with(WorkerMode::kThreads, 4));
  for (int i = 0; i < 3; ++i) CHECK(trainer.train_round().episodes.size() >= 4);
}

TEST_CASE("a mistake in the model ends the training's set-up with the reason", "[forks]") {
  const auto broken = [] { return std::make_unique<MujocoEnvironment>(options_for("<mujoco>")); };
  CHECK_THROWS_AS(CoreOrchestrator(broken, mlp_network(), options_with(WorkerMode::kProcesses, 2)),
                  ArgumentError);
}
