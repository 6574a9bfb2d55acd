// The same program as lunar_lander with another environment: the "tuned" preset learns both. Its options make
// variants of the task, so that machines which each have a pole and a cart of their own can learn one policy
// together.
#include "genkidama/cli/program.h"
#include "genkidama/env/cart_pole.h"

int main(int argc, char** argv) {
  using genkidama::cli::NumberOption;
  const genkidama::CartPoleOptions usual;
  genkidama::cli::Program program;
  program.name = "cart_pole";
  program.options = {
      {"pole-half-length", "Half of the pole's length in metres",
       NumberOption{usual.pole_half_length, 0.05, 5}},
      {"pole-mass", "The pole's mass in kilograms", NumberOption{usual.pole_mass, 0.001, 10}},
      {"cart-mass", "The cart's mass in kilograms", NumberOption{usual.cart_mass, 0.01, 100}},
      {"force", "What the cart is pushed with, in newtons", NumberOption{usual.force, 0.1, 1000}}};
  program.environment = [](const genkidama::EnvironmentContext& context) {
    genkidama::CartPoleOptions options;
    options.pole_half_length = context.options.number("pole-half-length");
    options.pole_mass = context.options.number("pole-mass");
    options.cart_mass = context.options.number("cart-mass");
    options.force = context.options.number("force");
    return genkidama::make_cart_pole_variant(options);
  };
  return genkidama::cli::main(argc, argv, program);
}
