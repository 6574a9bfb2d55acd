#include "cli/options/presets.h"

namespace genkidama::cli {

std::map<std::string, Preset> presets_of(const Program& program) {
  std::map<std::string, Preset> presets = {{"thesis", run::thesis_preset()}, {"tuned", run::tuned_preset()}};
  // A program with a network of its own trains that one.
  if (program.network) {
    for (auto& [name, preset] : presets) preset.network = program.network;
  }
  for (const auto& [name, preset] : program.presets) presets[name] = preset;
  for (auto& [name, preset] : presets) {
    if (!preset.network) preset.network = program.network ? program.network : thesis_network();
  }
  return presets;
}

}  // namespace genkidama::cli
