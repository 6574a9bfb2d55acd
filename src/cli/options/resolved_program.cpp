#include "cli/options/resolved_program.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "cli/options/option_table.h"
#include "core/one_line.h"
#include "genkidama/core/error.h"

namespace genkidama::cli {
namespace {

std::map<std::string, Preset> all_presets(const Program& program) {
  std::map<std::string, Preset> presets = {
      {"ape-x", run::ape_x_preset()},       {"appo", run::appo_preset()},
      {"control", run::control_preset()},   {"dqn", run::dqn_preset()},
      {"dyna-q", run::dyna_q_preset()},     {"ga3c", run::ga3c_preset()},
      {"gorila", run::gorila_preset()},     {"impala", run::impala_preset()},
      {"original", run::original_preset()}, {"r2d2", run::r2d2_preset()},
      {"sac", run::sac_preset()},           {"sample-factory", run::sample_factory_preset()},
      {"seed", run::seed_preset()},         {"thesis", run::thesis_preset()},
      {"thorough", run::thorough_preset()}, {"tuned", run::tuned_preset()}};
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

// Names stand in lines, files and the command line.
void check_name(const char* what, const std::string& name) {
  if (!name.empty() && is_one_line(name)) return;
  throw ArgumentError(
      fmt::format("{} is '{}'; expected a text of one line that is not empty", what, as_one_line(name)));
}

}  // namespace

ResolvedProgram::ResolvedProgram(Program program) : Program(std::move(program)) {
  if (!environment) throw ArgumentError("Program::environment is empty; expected a factory");
  check_name("Program::name", name);
  presets = all_presets(*this);
  for (const auto& [preset, unused] : presets) check_name("the name of a preset", preset);
  if (presets.count(default_preset) == 0) {
    throw ArgumentError(fmt::format(
        "Program::default_preset is '{}'; expected the name of one of its presets", default_preset));
  }
  table = make_option_table(*this);
}

}  // namespace genkidama::cli
