#include "cli/options/resolved_program.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "cli/options/option_table.h"
#include "genkidama/core/error.h"

namespace genkidama::cli {
namespace {

std::map<std::string, Preset> all_presets(const Program& program) {
  std::map<std::string, Preset> presets = {
      {"control", run::control_preset()}, {"thesis", run::thesis_preset()}, {"tuned", run::tuned_preset()}};
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

}  // namespace

ResolvedProgram::ResolvedProgram(Program program) : Program(std::move(program)) {
  if (!environment) throw ArgumentError("Program::environment is empty; expected a factory");
  presets = all_presets(*this);
  if (presets.count(default_preset) == 0) {
    throw ArgumentError(fmt::format(
        "Program::default_preset is '{}'; expected the name of one of its presets", default_preset));
  }
  table = make_option_table(*this);
}

}  // namespace genkidama::cli
