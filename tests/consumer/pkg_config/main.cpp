#include "genkidama/cli/program.h"
#include "genkidama/env/cart_pole.h"

int main(int argc, char** argv) {
  genkidama::cli::Program program;
  program.name = "my_agent";
  program.environment = genkidama::make_cart_pole;  // yours: any genkidama::Environment
  program.network = genkidama::mlp_network();       // or yours, see docs/extending.md
  return genkidama::cli::main(argc, argv, program);
}
