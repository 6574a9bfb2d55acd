#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/sweep/ask_channel.h"
#include "cli/sweep/search_definition.h"
#include "cli/sweep/sweep_agreement.h"
#include "cli/sweep/sweep_display.h"
#include "cli/sweep/sweep_evaluation.h"
#include "cli/sweep/sweep_plan.h"
#include "cli/sweep/sweep_values.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/output.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "genkidama/core/version.h"
#include "genkidama/run/stop_signal.h"
#include "genkidama/run/sweep.h"
#include "run/directory/json_file.h"
#include "run/sweep/definition.h"
#include "run/sweep/record.h"

namespace genkidama::cli {
namespace {

// Arguments need not be UTF-8, which JSON is.
std::vector<std::string> escaped(std::vector<std::string> words) {
  for (std::string& word : words) word = escape_bytes(word);
  return words;
}

std::string record_of(const Job& job) {
  const SweepOptions& sweep = job.settings.sweep;
  nlohmann::ordered_json record;
  record["program"] = job.program.name;
  record["version"] = kVersion;
  record["command"] = sweep.run_words.front();
  record["flags"] = escaped({sweep.run_words.begin() + 1, sweep.run_words.end()});
  record["setting"] = escaped(sweep.settings);
  record["grid"] = escaped(sweep.grids);
  record["seeds"] = sweep.seeds;
  record["eval_episodes"] = job.settings.run.eval_episodes;
  record["search"] = sweep.search;
  record["range"] = escaped(sweep.ranges);
  record["trials"] = sweep.trials ? nlohmann::ordered_json(*sweep.trials) : nlohmann::ordered_json();
  record["search_seed"] = sweep.search_seed;
  record["budget"] = sweep.budget ? nlohmann::ordered_json(*sweep.budget) : nlohmann::ordered_json();
  return run::json_text(record);
}

// The value that the run's setting leaves as it is.
std::string value_text(const ResolvedProgram& program, const SweepRun& run, const std::string& option) {
  for (const OptionRow& row : program.table) {
    if (row.name == option) return row.value_text(run.settings);
  }
  return "";
}

EvaluationRequest evaluation_of(const SweepRun& run, int episodes) {
  return {episodes, run.settings.run.eval_seed, run.settings.run.greedy};
}

// The steps that the runs end at, which are the same for all of them.
std::uint64_t steps_of_runs(const Job& job) {
  const SweepOptions& sweep = job.settings.sweep;
  SweepDefinition first = parse_sweep_definition(sweep.settings, sweep.grids, sweep.seeds);
  first.points.resize(1);
  first.seeds.resize(1);
  const auto steps = plan_sweep(job, first).front().settings.run.max_steps;
  if (!steps) throw ArgumentError("--search asha trains by rungs up to --max-steps; expected --max-steps N");
  return *steps;
}

Milliseconds milliseconds(double seconds) {
  return Milliseconds(static_cast<Milliseconds::rep>(seconds * 1000));
}

void add_search(const Job& job, run::SweepOptions& options) {
  const SweepOptions& sweep = job.settings.sweep;
  options.budget = sweep.budget.value_or(0);
  if (is_halving(sweep)) options.halving = {sweep.min_steps, steps_of_runs(job), sweep.reduction};
  if (is_asking(sweep)) {
    options.asking.emplace();
    options.asking->trials = sweep.trials.value_or(0);
    options.asking->answer_timeout = milliseconds(sweep.answer_timeout_s);
  }
  if (options.halving || options.asking) {
    if (job.settings.run.eval_episodes == 0) {
      throw ArgumentError(
          fmt::format("--eval-episodes is 0 with --search {}, which compares settings by their "
                      "evaluations; expected at least 1",
                      sweep.search));
    }
  }
  options.definition = searched_definition(sweep, options.halving ? options.halving->max_steps : 0);
}

run::SweepOptions options_without_runs(const Job& job) {
  const SweepOptions& sweep = job.settings.sweep;
  run::SweepOptions options;
  options.directory = job.settings.run_dir;
  options.command = command_name(command_of_runs(job));
  check_search(sweep);
  add_search(job, options);
  options.jobs = sweep.jobs;
  options.record = record_of(job);
  options.stop = [] { return run::stop_signal() != 0; };
  options.option_name = flag_of;
  return options;
}

// All that may be in the directory. Where another program chooses, one without any of its choices, so that
// what all have in common is checked.
SweepDefinition planned_definition(const run::SweepOptions& options) {
  SweepDefinition all = run::united(run::read_sweep_record(options), options.definition);
  if (all.points.empty()) all.points.emplace_back();
  return all;
}

// What the runs do, as this program's command line says it.
void add_runs(const Job& job, SweepPlan& plan, run::SweepOptions& options) {
  const int episodes = job.settings.run.eval_episodes;
  options.train.words = [&plan](const run::SweepRun& run) { return training_words(plan.of(run), run); };
  options.evaluate.words = [&plan, &job, episodes](const run::SweepRun& run) {
    return evaluation_words(plan.of(run), job.program.table, episodes);
  };
  options.evaluation = [&plan, episodes](const run::SweepRun& run) {
    return evaluation_of(plan.of(run), episodes);
  };
  // Of successive halving.
  const auto longest = options.halving ? std::optional(options.halving->max_steps) : std::nullopt;
  options.check = [&plan, &job, longest](const run::SweepRun& run, bool exists) {
    const SweepRun& planned = plan.of(run);
    if (longest && planned.settings.run.max_steps != longest) {
      throw ArgumentError(
          fmt::format("setting {}: its run has {} steps and others have {}; expected --max-steps "
                      "N for all of them",
                      run.setting(), planned.settings.run.max_steps.value_or(0), *longest));
    }
    if (exists) check_agrees(planned, job.program, longest.has_value());
  };
  options.steps = [&plan](const run::SweepRun& run) { return plan.of(run).settings.run.max_steps; };
  options.value = [&plan, &job](const run::SweepRun& run, const std::string& option) {
    return value_text(job.program, plan.of(run), option);
  };
}

}  // namespace

int run_sweep(Job job) {
  run::SweepOptions options = options_without_runs(job);
  // Everything that can be wrong with any run is said before anything is made.
  SweepPlan plan(job, planned_definition(options));
  add_runs(job, plan, options);

  log_above_live_line();
  std::optional<AskChannel> channel;
  if (options.asking) {
    channel.emplace();
    options.asking->input = channel->input();
    options.asking->output = channel->output();
  }
  SweepDisplay display(options);
  const run::SweepSummary summary = run::Sweep(std::move(options)).run(&display);
  display.close(summary);
  finish_output();
  if (summary.stopped) return 128 + run::stop_signal();
  return summary.failures.empty() ? 0 : 1;
}

}  // namespace genkidama::cli
