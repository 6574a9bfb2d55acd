// A whole training program for LunarLander: train, parent, child, cluster, evaluate, sweep. Try `lunar_lander
// --help`.
#include "genkidama/cli/program.h"
#include "genkidama/env/lunar_lander.h"

int main(int argc, char** argv) {
  genkidama::cli::Program program;
  program.name = "lunar_lander";
  program.environment = [] { return genkidama::make_lunar_lander(); };
  return genkidama::cli::main(argc, argv, program);
}
