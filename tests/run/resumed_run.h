#pragma once

#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "genkidama/env/cart_pole.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "run/directory/run_directory.h"
#include "run/state/run_state.h"

namespace genkidama::test {

/// One worker on CartPole.
inline CoreOrchestrator trainer_of(std::vector<int> hidden, const Hyperparameters& hyperparameters = {}) {
  OrchestratorOptions options;
  options.workers = 1;
  options.hyperparameters = hyperparameters;
  return CoreOrchestrator(make_cart_pole, mlp_network({std::move(hidden), false}), options);
}

/// For a trainer that normalises. It learns fast, so that a few rounds make a policy whose actions depend on
/// what it is shown.
inline Hyperparameters normalising(bool observations = true, bool rewards = true) {
  Hyperparameters hyperparameters;
  hyperparameters.normalise_observations = observations;
  hyperparameters.normalise_rewards = rewards;
  hyperparameters.optimizer = "adam";
  hyperparameters.learning_rate = 0.2;
  return hyperparameters;
}

/// A run in `directory` that goes on with what is there.
inline run::RunOptions options_in(const std::filesystem::path& directory) {
  run::RunOptions options;
  options.directory = directory;
  options.resume = run::Resume::kIfPossible;
  options.updates = 100;
  options.eval_episodes = 0;
  return options;
}

/// Makes a run's directory that holds `state`, with the weights of `trainer` (the first of them 0.25) after
/// three updates. `learns`: with the trainer's own fields.
inline void write_state(const std::filesystem::path& directory, CoreOrchestrator& trainer,
                        run::RunState state, bool learns) {
  const run::RunDirectory files(directory);
  files.create();
  std::ofstream(files.config()) << "{}";
  state.totals.updates = 3;
  state.totals.exchanges = 5;
  state.totals.reconnects = 2;
  state.weights.resize(trainer.layout().size());
  trainer.read_weights(state.weights);
  state.weights.front() = 0.25F;
  if (learns) state.trainer = &trainer;
  run::write_run_state(files.state(), trainer.layout(), state);
}

}  // namespace genkidama::test
