#include "cli/presets.h"

namespace genkidama::cli {

std::map<std::string, Preset> presets_of(const Program& program) {
  std::map<std::string, Preset> presets = program.presets;
  presets.try_emplace("thesis", Preset{{}, {}, "the thesis' settings: SGD with momentum, n-step returns"});
  for (auto& [name, preset] : presets) {
    if (!preset.network) preset.network = program.network;
  }
  return presets;
}

}  // namespace genkidama::cli
