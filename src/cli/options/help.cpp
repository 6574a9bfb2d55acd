#include "cli/options/help.h"

#include <fmt/format.h>

namespace genkidama::cli {

std::string help_text(const OptionRow& row, const Settings& defaults) {
  std::string text = row.help;
  if (row.kind == ValueKind::kReal || row.kind == ValueKind::kInteger)
    text += fmt::format("; {}", row.expected);
  const std::string value = row.value_text(defaults);
  // 0 workers is not a value that can be given: the help already says what happens.
  const bool shown = !value.empty() && !(row.name == "workers" && value == "0");
  return shown ? fmt::format("{} [default: {}]", text, value) : text;
}

std::string command_help(Command command) {
  switch (command) {
    case kTrain:
      return "Train on this machine alone, without sockets";
    case kParent:
      return "Average the weights of Children that train elsewhere";
    case kChild:
      return "Train on this machine and exchange weights with a Parent";
    case kCluster:
      return "Start a Parent and its Children on this machine, and end them all";
    case kEvaluate:
      return "Play episodes with the weights of checkpoints";
    case kSweep:
      return "Run settings times seeds, evaluate every checkpoint, and write one table";
  }
  return "";
}

std::string help_footer(const Program& program, Command command) {
  if (command == kSweep) {
    return fmt::format(
        "'{0} sweep train ...' or '{0} sweep cluster ...': every other option is one of that command, the "
        "same "
        "for all runs;\n"
        "'{0} train --help' lists them. Called again with the same --run-dir, a sweep goes on where it "
        "stopped.\n"
        "Exit code: 0 success, 1 when a run failed, 2 bad arguments, 128 + N after signal N.",
        program.name);
  }
  std::string text = "Presets:\n";
  for (const auto& [name, preset] : program.presets) {
    text += fmt::format("  {:<12}{}{}\n", name, preset.description,
                        name == program.default_preset ? " [default]" : "");
  }
  if (command != kEvaluate) {
    text +=
        "A flag wins over the config file, which wins over the preset.\n"
        "Exit code: 0 success, 1 a failed run, 2 bad arguments, 128 + N after signal N.";
  } else {
    text += "Without --preset, the preset that the checkpoint names is taken.";
  }
  return text;
}

}  // namespace genkidama::cli
