// The program that the command line's tests run: CartPole, or LunarLander, and presets for what they need.
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "genkidama/cli/program.h"
#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/lunar_lander.h"
#include "genkidama/params/weighted_average.h"

namespace {

void keep_own(std::span<float>, std::span<const float>, const genkidama::MergeContext&) {}

void fail_at_sixth(std::span<float> parent, std::span<const float> child,
                   const genkidama::MergeContext& context) {
  genkidama::weighted_average(parent, child, context.alpha);
  if (context.update == 6) throw std::runtime_error("six is unlucky");
}

void fail_as_told() {
  const char* told = std::getenv("GENKIDAMA_TEST_SETUP");
  if (told == nullptr) return;
  if (told == std::string_view("argument")) {
    throw genkidama::ArgumentError("no hidden layer can have -1 units");
  }
  if (told == std::string_view("runtime")) throw std::runtime_error("the simulator is not installed");
  throw 42;
}

genkidama::cli::Program make_program() {
  fail_as_told();
  genkidama::cli::Preset other;
  other.description = "another network";
  other.network = genkidama::mlp_network({.hidden = {16}});
  other.hyperparameters.optimizer = "adam";
  other.hyperparameters.gamma = 0.9;

  genkidama::cli::Preset broken;
  broken.description = "cannot be made";
  broken.network = [](const genkidama::NetworkSpec&, std::uint64_t) -> std::unique_ptr<genkidama::Network> {
    throw std::runtime_error("this network is broken");
  };

  genkidama::cli::Preset endless;
  endless.description = "takes for ever to be made";
  endless.network = [](const genkidama::NetworkSpec&, std::uint64_t) -> std::unique_ptr<genkidama::Network> {
    while (true) ::pause();
  };

  genkidama::cli::Program program;
  program.name = "test_program";
#ifdef GENKIDAMA_TEST_LANDER
  program.environment = [] { return genkidama::make_lunar_lander(); };
#else
  program.environment = genkidama::make_cart_pole;
#endif
  program.default_preset = "thesis";
  program.presets["other"] = other;
  program.presets["broken"] = broken;
  program.presets["endless"] = endless;
  const char* rule = std::getenv("GENKIDAMA_TEST_RULE");
  if (rule != nullptr) program.merge_rule = rule == std::string_view("keep") ? keep_own : fail_at_sixth;
  return program;
}

}  // namespace

int main(int argc, char** argv) {
  // A program's own threads, or LibTorch's: whoever it has started hears of its death from each of them.
  if (argc > 1 && std::string_view(argv[1]) == "sweep") {
    for (int i = 0; i < 8; ++i) {
      std::thread([] {
        while (true) ::pause();
      }).detach();
    }
  }
  return genkidama::cli::main(argc, argv, make_program);
}
