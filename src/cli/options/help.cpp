#include "cli/options/help.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

namespace genkidama::cli {
namespace {

// Stands for a space at which a line must not be broken.
constexpr char kNoBreak = '\x1f';

}  // namespace

HelpLayout help_layout() {
  constexpr std::size_t kNarrowest = 30;
  constexpr std::size_t kWidest = 110;
  constexpr std::size_t kEnoughForColumns = 70;
  constexpr std::size_t kIndent = 8;
  HelpLayout layout;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    layout.columns = std::clamp<std::size_t>(size.ws_col, kNarrowest, kWidest);
  }
  if (layout.columns < kEnoughForColumns) layout.column = kIndent;
  return layout;
}

std::string wrapped(const std::string& text, std::size_t columns, std::size_t indent) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!result.empty()) result += '\n';
    const std::size_t leading = std::min(line.find_first_not_of(' '), line.size());
    std::size_t used = leading;
    result.append(leading, ' ');
    bool first = true;
    // Spaces inside a line are kept where it is not broken: they align columns.
    for (std::size_t at = leading; at < line.size();) {
      const std::size_t word = std::min(line.find_first_not_of(' ', at), line.size());
      const std::size_t end = std::min(line.find(' ', word), line.size());
      if (!first && used + (end - at) > columns) {
        result += '\n' + std::string(indent, ' ');
        used = indent;
        at = word;
      }
      result += line.substr(at, end - at);
      used += end - at;
      at = end;
      first = false;
    }
  }
  std::replace(result.begin(), result.end(), kNoBreak, ' ');
  return result;
}

std::string help_text(const OptionRow& row, const Settings& defaults, const HelpLayout& layout) {
  std::string text = row.help;
  if (row.kind == ValueKind::kReal || row.kind == ValueKind::kInteger)
    text += fmt::format("; {}", row.expected);
  const std::string value = row.value_text(defaults);
  // 0 workers is not a value that can be given: the help already says what happens.
  const bool shown = !value.empty() && !(row.name == "workers" && value == "0");
  if (shown) text += fmt::format(" [default:{}{}]", kNoBreak, value);
  return wrapped(text, layout.columns - layout.column);
}

std::string command_help(Command command) {
  switch (command) {
    case kTrain:
      return "Train on this machine alone, or with shards that own the weights";
    case kParent:
      return "Average the weights of Children that train elsewhere";
    case kChild:
      return "Train on this machine and exchange weights with a Parent";
    case kCluster:
      return "Start a Parent and its Children on this machine, and end them all";
    case kLearner:
      return "Learn from what actors on other machines play";
    case kActor:
      return "Play on this machine for a learner, with its weights";
    case kShard:
      return "Own a slice of the weights, and apply the gradients of learners that train elsewhere";
    case kServer:
      return "Train on this machine, in environments that hosts on other machines step";
    case kPeer:
      return "Train on this machine and average weights with neighbours, without a Parent";
    case kEnvironmentHost:
      return "Step environments for a server, which trains in them";
    case kEvaluate:
      return "Play episodes with the weights of checkpoints";
    case kWatch:
      return "Show in the terminal how a policy plays, record it, or play with the keyboard";
    case kExport:
      return "Write a policy as a header of C or as an ONNX model";
    case kCheck:
      return "Look for mistakes in the program's environment and network; exit code 0 when there are none";
    case kSweep:
      return "Run settings times seeds, evaluate every checkpoint, and write one table";
    case kSimulate:
      return "Train on many machines that are simulated on this one, in virtual time";
    case kCompare:
      return "Draw the curves of several runs and print a table of what they came to";
    case kReport:
      return "Write one HTML page about a run";
    case kPlan:
      return "Say which way of sharing reaches a return soonest on given machines and links";
  }
  return "";
}

std::string help_footer(const Program& program, Command command, const HelpLayout& layout) {
  if (command == kSweep) {
    return wrapped(
        fmt::format("'{0} sweep train ...' or '{0} sweep cluster ...': every other option is one of that "
                    "command, the "
                    "same for all runs; '{0} train --help' lists them.\n"
                    "Called again with the same --run-dir, a sweep goes on where it stopped.\n"
                    "Exit code: 0 success, 1 when a run failed, 2 bad arguments, 128 + N after signal N.",
                    program.name),
        layout.columns);
  }
  if (command == kEnvironmentHost) {
    return wrapped(
        "A flag wins over the config file.\n"
        "Exit code: 0 the server's run is over, 1 no server or a refusal, 2 bad arguments, 128 + N after "
        "signal N.",
        layout.columns);
  }
  if ((command & kReading) != 0) {
    return wrapped(command == kCompare
                       ? "A RUN is the directory of a run, or of a sweep, which stands for its runs. Runs "
                         "that differ in "
                         "the seed alone are one line.\n"
                         "Exit code: 0 success, 2 bad arguments, among them a directory without a run."
                       : "Exit code: 0 success, 2 bad arguments, among them a directory without a run.",
                   layout.columns);
  }
  if (command == kExport)
    return wrapped("Exit code: 0 success, 1 the file was not written, 2 bad arguments.", layout.columns);
  constexpr std::size_t kPresetIndent = 14;
  std::string text = "Presets:\n";
  for (const auto& [name, preset] : program.presets) {
    text += wrapped(fmt::format("  {:<11} {}{}", name, preset.description,
                                name == program.default_preset ? " [default]" : ""),
                    layout.columns, kPresetIndent) +
            '\n';
  }
  const char* rules =
      command == kCheck
          ? "Exit code: 0 nothing is wrong, 1 something is, 2 bad arguments, 128 + N after signal N."
      : command == kEvaluate || command == kWatch
          ? "Without --preset, the preset that the checkpoint names is taken."
          : "A flag wins over the config file, which wins over the preset.\n"
            "Exit code: 0 success, 1 a failed run, 2 bad arguments, 128 + N after signal N.";
  return text + wrapped(rules, layout.columns);
}

}  // namespace genkidama::cli
