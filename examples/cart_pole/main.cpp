// The same program as lunar_lander with another environment: the "tuned" preset learns both.
#include "genkidama/cli/program.h"
#include "genkidama/env/cart_pole.h"

int main(int argc, char** argv) {
  genkidama::cli::Program program;
  program.name = "cart_pole";
  program.environment = genkidama::make_cart_pole;
  return genkidama::cli::main(argc, argv, program);
}
