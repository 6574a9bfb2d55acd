#include "cli/options/presets.h"

#include <cstdint>

namespace genkidama::cli {
namespace {

constexpr std::uint64_t kTunedSteps = 3'000'000;

Preset thesis_preset() {
  Preset preset;
  preset.description = "the thesis' settings: SGD with momentum, n-step returns";
  return preset;
}

Preset tuned_preset() {
  Preset preset;
  preset.hyperparameters = tuned_hyperparameters();
  preset.max_steps = kTunedSteps;
  preset.alpha = 0.5;
  preset.beta = 0.5;
  preset.greedy = true;
  preset.description =
      "PPO's clipped loss with shared Adam and GAE, two layers of 64 units, greedy evaluation";
  return preset;
}

}  // namespace

std::map<std::string, Preset> presets_of(const Program& program) {
  std::map<std::string, Preset> presets = program.presets;
  presets.try_emplace("thesis", thesis_preset());
  if (presets.try_emplace("tuned", tuned_preset()).second && !program.network) {
    presets["tuned"].network = mlp_network();
  }
  const NetworkFactory other = program.network ? program.network : thesis_network();
  for (auto& [name, preset] : presets) {
    if (!preset.network) preset.network = other;
  }
  return presets;
}

}  // namespace genkidama::cli
