// A whole training program for LunarLander: train, parent, child, cluster, evaluate. Try `lunar_lander
// --help`.
#include "genkidama/cli/program.h"
#include "genkidama/env/lunar_lander.h"
#include "tuned_preset.h"

int main(int argc, char** argv) {
  genkidama::cli::Program program;
  program.name = "lunar_lander";
  program.environment = [] { return genkidama::make_lunar_lander(); };
  program.network = genkidama::thesis_network();
  program.presets["tuned"] = tuned_preset();
  return genkidama::cli::main(argc, argv, program);
}
