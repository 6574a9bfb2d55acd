#include "cli/sweep/sweep_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "cli/options/command_line.h"
#include "cli/options/is_one_of.h"
#include "cli/options/settings_check.h"
#include "cli/sweep/search_definition.h"
#include "cli/sweep/sweep_values.h"
#include "core/spelling.h"
#include "genkidama/core/error.h"
#include "run/sweep/definition.h"

namespace genkidama::cli {
namespace {

std::vector<std::string> options_of(const Job& job, Command command) {
  std::vector<std::string> names;
  for (const OptionRow& row : job.program.table) {
    if ((row.commands & command) != 0 && !row.hidden) names.push_back(row.name);
  }
  return names;
}

bool takes(const Job& job, Command command, const std::string& option) {
  return is_one_of(option, options_of(job, command));
}

void check_varied(const Job& job, Command command, const std::vector<SweepPoint>& points) {
  const auto& words = job.settings.sweep.run_words;
  for (const std::string& option : run::varied_options(points)) {
    if (option == "max-steps" && is_halving(job.settings.sweep)) {
      throw ArgumentError("'max-steps' cannot be varied: --search asha decides how long a run is trained");
    }
    if (!takes(job, command, option)) {
      throw ArgumentError(fmt::format(
          "--grid, --setting or --range: '{}' is not an option of '{}'{}; '{} {} --help' lists them", option,
          command_name(command), did_you_mean(option, options_of(job, command)), job.program.name,
          command_name(command)));
    }
    if (names_option(words, option)) {
      throw ArgumentError(fmt::format("--{} is given and varied too; expected one of them", option));
    }
  }
}

Settings parse_run(const Job& job, const std::vector<std::string>& words) {
  std::vector<const char*> arguments = {job.program.name.c_str()};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  std::ostringstream help;
  const auto settings =
      parse_command_line(static_cast<int>(arguments.size()), arguments.data(), job.program, help);
  if (!settings) throw ArgumentError("a run of a sweep cannot be asked for help");
  if (!settings->run.updates && !settings->run.max_steps && !settings->run.target &&
      !settings->run.patience) {
    throw ArgumentError(
        "a run of a sweep must end by itself; expected --updates, --max-steps, --target or --patience");
  }
  if (!settings->cluster.topology.empty()) {
    throw ArgumentError(
        "--topology is no option of a sweep's runs: it evaluates one policy of each run, and peers have one "
        "each; expected a cluster with a Parent");
  }
  return *settings;
}

// How long a run is trained is not the run's to say.
void check_halved(const Settings& settings) {
  const run::RunOptions& run = settings.run;
  if (run.updates || run.target || run.patience) {
    throw ArgumentError(
        "--search asha decides how long a run is trained; expected --max-steps alone, and none of --updates, "
        "--target and --patience");
  }
  if (settings.links.apart_from) {
    throw ArgumentError("--search asha trains on what it has trained; expected no --apart-from");
  }
}

// A rung must not end a schedule, which belongs to the whole run.
std::vector<std::string> schedule_words(const Settings& settings) {
  const Hyperparameters& learning = settings.learning.hyperparameters;
  if (!learning.has_schedule() || learning.schedule_steps > 0) return {};
  return {fmt::format("--schedule-steps={}", resolved_hyperparameters(settings).schedule_steps)};
}

SweepRun planned(const Job& job, const run::SweepRun& run) {
  SweepRun result{run, job.settings.sweep.run_words, {}};
  for (const SweepValue& value : run.point) result.words.push_back("--" + value.option + "=" + value.value);
  result.words.push_back(fmt::format("--seed={}", run.seed));
  // The sweep evaluates the last weights together with the checkpoints.
  result.words.push_back("--eval-episodes=0");
  result.words.push_back("--run-dir=" + run.directory.string());
  try {
    result.settings = parse_run(job, result.words);
    if (is_halving(job.settings.sweep)) {
      check_halved(result.settings);
      const auto more = schedule_words(result.settings);
      result.words.insert(result.words.end(), more.begin(), more.end());
      if (!more.empty()) result.settings = parse_run(job, result.words);
    }
  } catch (const ArgumentError& error) {
    if (run.point.empty()) throw;
    throw ArgumentError(fmt::format("setting {}: {}", run.setting(), error.what()));
  }
  return result;
}

}  // namespace

Command command_of_runs(const Job& job) {
  const auto& words = job.settings.sweep.run_words;
  const std::string first = words.empty() ? "" : words.front();
  for (const std::string& word : words) {
    const std::string flag = option_in(word);
    if (flag == "seed" || flag == "resume") {
      throw ArgumentError(fmt::format("--{} is not an option of 'sweep': {}", flag, reserved_reason(flag)));
    }
  }
  if (first == command_name(kTrain)) return kTrain;
  if (first == command_name(kCluster)) return kCluster;
  throw ArgumentError(fmt::format("{}; expected '{} sweep train ...' or '{} sweep cluster ...'",
                                  first.empty()
                                      ? std::string("the command of the runs is missing")
                                      : fmt::format("'{}' is not a command that a sweep runs", first),
                                  job.program.name, job.program.name));
}

std::vector<SweepRun> plan_sweep(const Job& job, const SweepDefinition& definition) {
  check_varied(job, command_of_runs(job), definition.points);
  std::vector<SweepRun> runs;
  for (const run::SweepRun& run : run::runs_of(definition, job.settings.run_dir)) {
    runs.push_back(planned(job, run));
  }
  return runs;
}

std::vector<std::string> training_words(const SweepRun& planned, const run::SweepRun& run) {
  // A run that goes on has the options of its config.json, which agree.
  std::vector<std::string> words = planned.words;
  if (run.resume) words = {words.front(), "--resume=" + run.directory.string(), "--eval-episodes=0"};
  if (!run.max_steps) return words;
  const std::string flag = "--max-steps";
  const auto given = std::find(words.begin(), words.end(), flag);
  if (given != words.end()) words.erase(given, given + 2);
  std::erase_if(words, [&flag](const std::string& word) { return word.rfind(flag + "=", 0) == 0; });
  words.push_back(fmt::format("{}={}", flag, *run.max_steps));
  return words;
}

SweepPlan::SweepPlan(const Job& job, const SweepDefinition& definition) : job_(job) {
  for (SweepRun& run : plan_sweep(job, definition)) runs_.emplace(run.name(), std::move(run));
}

const SweepRun& SweepPlan::of(const run::SweepRun& run) {
  const auto known = runs_.find(run.name());
  if (known != runs_.end()) return known->second;
  for (const SweepValue& value : run.point) check_not_reserved(value.option, "the setting");
  check_varied(job_, command_of_runs(job_), {run.point});
  return runs_.emplace(run.name(), planned(job_, run)).first->second;
}

}  // namespace genkidama::cli
