// The program that the command line's tests run: CartPole, or LunarLander, and presets for what they need.
#include <unistd.h>

#include <memory>
#include <stdexcept>

#include "genkidama/cli/program.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/lunar_lander.h"

int main(int argc, char** argv) {
  genkidama::cli::Preset other;
  other.description = "another network";
  other.network = genkidama::mlp_network({.hidden = {16}});
  other.hyperparameters.optimizer = "adam";
  other.hyperparameters.gamma = 0.9;

  genkidama::cli::Preset broken;
  broken.description = "cannot be made";
  broken.network = [](const genkidama::EnvironmentSpec&,
                      std::uint64_t) -> std::unique_ptr<genkidama::Network> {
    throw std::runtime_error("this network is broken");
  };

  genkidama::cli::Preset endless;
  endless.description = "takes for ever to be made";
  endless.network = [](const genkidama::EnvironmentSpec&,
                       std::uint64_t) -> std::unique_ptr<genkidama::Network> {
    while (true) ::pause();
  };

  genkidama::cli::Program program;
  program.name = "test_program";
#ifdef GENKIDAMA_TEST_LANDER
  program.environment = [] { return genkidama::make_lunar_lander(); };
#else
  program.environment = genkidama::make_cart_pole;
#endif
  program.presets["other"] = other;
  program.presets["broken"] = broken;
  program.presets["endless"] = endless;
  return genkidama::cli::main(argc, argv, program);
}
