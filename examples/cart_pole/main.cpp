// The same program as lunar_lander with another environment and settings of its own.
#include "genkidama/cli/program.h"
#include "genkidama/env/cart_pole.h"

int main(int argc, char** argv) {
  genkidama::cli::Preset tuned;
  tuned.description = "A3C with Adam and GAE, for short episodes";
  tuned.network = genkidama::mlp_network({.hidden = {64}});
  tuned.hyperparameters.optimizer = "adam";
  tuned.hyperparameters.learning_rate = 2e-3;
  tuned.hyperparameters.weight_decay = 0;
  tuned.hyperparameters.gamma = 0.99;
  tuned.hyperparameters.gae_lambda = 0.95;
  tuned.hyperparameters.reward_scale = 0.05;
  tuned.hyperparameters.batch_size = 64;
  tuned.hyperparameters.epsilon = 0;

  genkidama::cli::Program program;
  program.name = "cart_pole";
  program.environment = genkidama::make_cart_pole;
  program.presets["tuned"] = tuned;
  program.default_preset = "tuned";
  return genkidama::cli::main(argc, argv, program);
}
