// A whole training run from code, with the same files as the command line's. Kill it whenever you like and
// start it again: it goes on from its last state, and makes the same weights as if nothing had happened.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "genkidama/env/cart_pole.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/preset.h"
#include "genkidama/run/trainer_run.h"

int main(int argc, char** argv) try {
  const auto preset = genkidama::run::tuned_preset();
  genkidama::OrchestratorOptions machine;
  machine.workers = 1;  // more learn sooner, but then no two runs are the same
  genkidama::run::apply(preset, machine);
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, preset.network, machine);

  genkidama::run::RunOptions options;
  options.directory = argc > 1 ? argv[1] : "runs/from_code";
  options.resume = genkidama::run::Resume::kIfPossible;
  options.max_steps = 100'000;
  options.checkpoint_every = 10;  // updates
  options.greedy = preset.greedy;
  genkidama::run::TrainerRun run(trainer, options);
  while (run.advance()) {
    const auto& totals = run.totals();
    if (totals.updates % 5 == 0) fmt::print("update {}: {} steps\n", totals.updates, totals.in_run.steps);
  }

  const auto summary = run.finish();
  fmt::print("{}\n", genkidama::run::mean_text(summary.final_evaluation.value()));
} catch (const std::exception& error) {
  fmt::print(stderr, "run_from_code: {}\n", error.what());
  return 1;
}
