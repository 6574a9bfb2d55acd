// A training program on a task of a few lines, for runs under mpirun.
#include "genkidama/cli/program.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/mpi/mpi_group.h"

int main(int argc, char** argv) {
  genkidama::cli::Program program;
  program.name = "program";
  program.environment = [] { return genkidama::make_cart_pole(); };
  program.machine_groups["mpi"] = [] { return genkidama::mpi::mpi_group(); };
  return genkidama::cli::main(argc, argv, program);
}
