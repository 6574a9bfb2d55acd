#include "cli/sweep/sweep_standing.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <system_error>

#include "cli/options/command_line.h"
#include "cli/options/config_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "run/metrics/csv_table.h"

namespace genkidama::cli {
namespace {

using nlohmann::json;

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

bool is_one_of(const std::string& text, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return text == name; });
}

bool matters(const SweepRun& run, const OptionRow& row) {
  if (!row.in_config || (row.commands & run.settings.command) == 0) return false;
  if (is_one_of(row.name, {"eval-episodes", "eval-workers"})) return false;
  const bool evaluates = run.settings.run.target || run.settings.run.evaluate_every;
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
      run.directory.path().string(), option, recorded, wanted));
}

void check_place(const SweepRun& run) {
  std::error_code ignored;
  const auto& path = run.directory.path();
  const bool is_directory = std::filesystem::is_directory(path, ignored);
  const bool is_run = is_there(run.directory.config()) || is_there(run.directory.metrics());
  const bool is_usable =
      is_directory && (is_run || std::filesystem::is_empty(path, ignored) || is_there(path / "checkpoints"));
  if (!is_usable) {
    throw ArgumentError(fmt::format("{}: this is not the directory of a run; move it away", path.string()));
  }
}

}  // namespace

json summary_of(const run::RunDirectory& directory) {
  try {
    return read_config_file("summary", directory.summary()).values;
  } catch (const ArgumentError&) {
    return json::object();
  }
}

RunStanding standing_of(const run::RunDirectory& directory) {
  std::error_code ignored;
  if (!is_there(directory.path()) || std::filesystem::is_empty(directory.path(), ignored)) {
    return RunStanding::kNew;
  }
  const json ended_by = summary_of(directory).value("ended_by", json());
  if (ended_by.is_string() && is_one_of(ended_by.get<std::string>(), {"updates", "max_steps", "target"}) &&
      is_there(directory.final_weights())) {
    return RunStanding::kFinished;
  }
  return directory.has_state() ? RunStanding::kStopped : RunStanding::kDead;
}

std::optional<RunProgress> progress_of(const run::RunDirectory& directory) {
  const auto table = run::read_last_row(directory.metrics());
  if (!table) return {};
  const auto number = [&table](const char* column) {
    return run::number_in(table->field(table->rows[0], column));
  };
  RunProgress progress;
  progress.updates = static_cast<std::uint64_t>(number("update").value_or(0));
  progress.environment_steps = static_cast<std::uint64_t>(number("environment_steps").value_or(0));
  progress.steps_per_second = number("steps_per_second").value_or(0);
  // A Parent's row is of one Child's round.
  progress.mean_return = number(table->column("return_mean") ? "return_mean" : "child_return_mean");
  return progress;
}

void check_agrees(const SweepRun& run, const Job& job) {
  if (!is_there(run.directory.path())) return;
  check_place(run);
  const RunStanding standing = standing_of(run.directory);
  // A run that somebody else has started here must not be run twice.
  if (standing != RunStanding::kFinished && run.directory.is_at_work()) {
    throw ArgumentError(
        fmt::format("{}: a process is at work in this run's directory; wait until it has ended",
                    run.directory.path().string()));
  }
  // What is started anew need not agree.
  if (standing == RunStanding::kNew || standing == RunStanding::kDead) return;
  const json recorded = read_config_file("--run-dir:", run.directory.config()).values;
  // The environment is the program's, whichever the sweep is called with.
  const auto wanted = config_of(run.settings, job.program.options, job.program.name, "");
  if (recorded.value("command", json()) != command_name(run.settings.command)) {
    refuse(run, "the command", text_of(recorded.value("command", json())), wanted["command"]);
  }
  for (const OptionRow& row : job.program.options) {
    if (!matters(run, row)) continue;
    const json value = wanted[row.key()];
    // An older version may not have known the option, and then had what is now its default.
    if (!recorded.contains(row.key()) && !names_option(run.words, row.name)) continue;
    const json before = recorded.value(row.key(), json());
    if (before != value) refuse(run, row.flag(), text_of(before), text_of(value));
  }
}

void move_aside(const run::RunDirectory& directory) {
  for (int number = 1;; ++number) {
    const std::filesystem::path place = directory.path().string() + fmt::format(".dead_{}", number);
    if (is_there(place)) continue;
    std::error_code error;
    std::filesystem::rename(directory.path(), place, error);
    if (error) {
      throw IoError(fmt::format("cannot rename {}: {}", directory.path().string(), error.message()));
    }
    return;
  }
}

}  // namespace genkidama::cli
