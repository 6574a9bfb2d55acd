// A task that only a network with memory solves: a cue is shown, and asked for 20 steps later. 'recall train
// --memory none' shows what a network without memory makes of it: it guesses.
#include "genkidama/cli/program.h"
#include "genkidama/env/recall.h"

int main(int argc, char** argv) {
  genkidama::cli::Preset preset = genkidama::run::tuned_preset();
  preset.network = genkidama::mlp_network({.hidden = {64}, .shared_trunk = true, .memory = 64});
  preset.hyperparameters.reward_scale = 1;
  preset.max_steps = 100'000;
  preset.description = "tuned, for a gated recurrent unit of 64 units behind 64 hidden ones";

  genkidama::cli::Program program;
  program.name = "recall";
  program.environment = [] { return genkidama::make_recall(); };
  program.presets["memory"] = preset;
  program.default_preset = "memory";
  return genkidama::cli::main(argc, argv, program);
}
