// A whole training program for LunarLander: train, parent, child, cluster, evaluate, sweep. Try `lunar_lander
// --help`.
#include "genkidama/cli/program.h"
#include "genkidama/env/lunar_lander.h"
#ifdef GENKIDAMA_HAS_MPI
#include "genkidama/mpi/mpi_group.h"
#endif

int main(int argc, char** argv) {
  genkidama::cli::Program program;
  program.name = "lunar_lander";
  program.options = {{"time-limit", "Steps after which an episode is cut off",
                      genkidama::cli::WholeNumberOption{.value = 1000, .min = 1, .max = 1'000'000}}};
  program.environment = [](const genkidama::EnvironmentContext& context) {
    return genkidama::make_lunar_lander(genkidama::kFaithfulIterations,
                                        static_cast<int>(context.options.whole("time-limit")));
  };
#ifdef GENKIDAMA_HAS_MPI
  program.machine_groups["mpi"] = [] { return genkidama::mpi::mpi_group(); };
#endif
  return genkidama::cli::main(argc, argv, program);
}
