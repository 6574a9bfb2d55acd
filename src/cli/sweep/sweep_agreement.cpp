#include "cli/sweep/sweep_agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/options/command_line.h"
#include "cli/options/config_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "run/directory/run_directory.h"

namespace genkidama::cli {
namespace {

using nlohmann::json;

bool is_one_of(const std::string& text, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return text == name; });
}

bool matters(const SweepRun& run, const OptionRow& row, bool halving) {
  if (!row.in_config || (row.commands & run.settings.command) == 0) return false;
  if (is_one_of(row.name, {"eval-episodes", "eval-workers"})) return false;
  // Which rung it has come to is in the record of the search.
  if (halving && row.name == "max-steps") return false;
  const bool evaluates =
      run.settings.run.target || run.settings.run.evaluate_every || run.settings.run.patience;
  return evaluates || !is_one_of(row.name, {"eval-seed", "greedy", "target-episodes"});
}

std::string text_of(const json& value) {
  if (value.is_null()) return "not set";
  return value.is_string() ? unescape_bytes(value.get<std::string>()) : value.dump();
}

[[noreturn]] void refuse(const SweepRun& run, const std::string& option, const std::string& recorded,
                         const std::string& wanted) {
  throw ArgumentError(fmt::format(
      "{}: this run was made with {} {}, the sweep is now called with {}; expected the same (take "
      "another --run-dir for other runs)",
      run.directory.string(), option, recorded, wanted));
}

}  // namespace

void check_agrees(const SweepRun& run, const ResolvedProgram& program, bool halving) {
  const json recorded = read_config_file("--run-dir:", run::RunDirectory(run.directory).config()).values;
  // The environment is the program's, whichever the sweep is called with.
  const auto wanted = config_of(run.settings, program.table, program.name, "");
  if (recorded.value("command", json()) != command_name(run.settings.command)) {
    refuse(run, "the command", text_of(recorded.value("command", json())), wanted["command"]);
  }
  for (const OptionRow& row : program.table) {
    if (!matters(run, row, halving)) continue;
    const json value = wanted[row.key()];
    // An older version may not have known the option, and then had what is now its default.
    if (!recorded.contains(row.key()) && !names_option(run.words, row.name)) continue;
    const json before = recorded.value(row.key(), json());
    if (before != value) refuse(run, row.flag(), text_of(before), text_of(value));
  }
}

}  // namespace genkidama::cli
