#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/sweep/sweep_agreement.h"
#include "cli/sweep/sweep_display.h"
#include "cli/sweep/sweep_evaluation.h"
#include "cli/sweep/sweep_plan.h"
#include "cli/terminal/live_line.h"
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
  return run::json_text(record);
}

// The value that the run's setting leaves as it is.
std::string value_text(const ResolvedProgram& program, const SweepRun& run, const std::string& option) {
  for (const OptionRow& row : program.table) {
    if (row.name == option) return row.value_text(run.settings);
  }
  return "";
}

std::vector<std::string> training_words(const SweepRun& run, bool resume) {
  if (!resume) return run.words;
  // Its options are those of its config.json, which agree.
  return {run.words.front(), "--resume=" + run.directory.string(), "--eval-episodes=0"};
}

EvaluationRequest evaluation_of(const SweepRun& run, int episodes) {
  return {episodes, run.settings.run.eval_seed, run.settings.run.greedy};
}

run::SweepOptions options_without_runs(const Job& job) {
  const SweepOptions& sweep = job.settings.sweep;
  run::SweepOptions options;
  options.directory = job.settings.run_dir;
  options.command = command_name(command_of_runs(job));
  options.definition = parse_sweep_definition(sweep.settings, sweep.grids, sweep.seeds);
  options.jobs = sweep.jobs;
  options.record = record_of(job);
  options.stop = [] { return run::stop_signal() != 0; };
  options.option_name = flag_of;
  return options;
}

// What the runs do, as this program's command line says it.
void add_runs(const Job& job, SweepPlan& plan, run::SweepOptions& options) {
  const int episodes = job.settings.run.eval_episodes;
  options.train.words = [&plan](const run::SweepRun& run) {
    return training_words(plan.of(run), run.resume);
  };
  options.evaluate.words = [&plan, &job, episodes](const run::SweepRun& run) {
    return evaluation_words(plan.of(run), job.program.table, episodes);
  };
  options.evaluation = [&plan, episodes](const run::SweepRun& run) {
    return evaluation_of(plan.of(run), episodes);
  };
  options.check = [&plan, &job](const run::SweepRun& run, bool exists) {
    const SweepRun& planned = plan.of(run);
    if (exists) check_agrees(planned, job.program);
  };
  options.value = [&plan, &job](const run::SweepRun& run, const std::string& option) {
    return value_text(job.program, plan.of(run), option);
  };
}

}  // namespace

int run_sweep(Job job) {
  run::SweepOptions options = options_without_runs(job);
  // Everything that can be wrong with any run is said before anything is made.
  SweepPlan plan(job, run::united(run::read_sweep_record(options), options.definition));
  add_runs(job, plan, options);

  log_above_live_line();
  SweepDisplay display;
  const run::SweepSummary summary = run::Sweep(std::move(options)).run(&display);
  display.close(summary);
  if (summary.stopped) return 128 + run::stop_signal();
  return summary.failures.empty() ? 0 : 1;
}

}  // namespace genkidama::cli
