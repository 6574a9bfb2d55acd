#include "cli/sweep/sweep_display.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/text_table.h"
#include "genkidama/core/log.h"
#include "run/directory/run_directory.h"
#include "run/evaluation/figure_text.h"
#include "run/search/rungs.h"
#include "run/sweep/standing.h"

namespace genkidama::cli {
namespace {

constexpr Milliseconds kPlainInterval{60'000};

std::string time_left(const run::SweepProgress& progress) {
  return progress.seconds_left ? fmt::format(", about {} left", run::duration_text(*progress.seconds_left))
                               : "";
}

std::string state_of(const run::SweepProgress::Job& job) {
  if (job.evaluates) return "evaluation";
  const auto latest = run::latest_metrics(run::RunDirectory(job.run->directory));
  if (!latest) return "training";
  std::string text = fmt::format("update {}  steps {}  {:.0f} steps/s", latest->updates,
                                 latest->environment_steps, latest->steps_per_second);
  if (latest->mean_return) text += "  mean return " + run::figure_text(*latest->mean_return);
  return text;
}

std::string steps_text(const run::SweepProgress& progress) {
  if (progress.budget == 0) return "";
  return fmt::format(", {} of {} steps", progress.steps, progress.budget);
}

std::vector<std::string> line_of(const run::SettingStatistics& setting, bool has_rungs) {
  const double error = setting.standard_deviation / std::sqrt(static_cast<double>(setting.seeds));
  const auto figure = [error](double value) {
    return error > 0 ? run::figure_text(value, error) : run::figure_text(value);
  };
  std::vector<std::string> line = {setting.setting};
  if (has_rungs) {
    line.insert(line.end(), {fmt::format("{}", setting.rung), fmt::format("{}", setting.steps)});
  }
  line.insert(line.end(), {fmt::format("{}", setting.seeds), figure(setting.mean),
                           setting.seeds < 2 ? "-" : figure(setting.standard_deviation), figure(setting.min),
                           figure(setting.max)});
  return line;
}

// A line per setting with mean, standard deviation and extremes of its seeds' final means.
std::string settings_table(const std::vector<run::SettingStatistics>& settings, bool has_rungs) {
  std::vector<std::vector<std::string>> lines;
  for (const run::SettingStatistics& setting : settings) lines.push_back(line_of(setting, has_rungs));
  std::vector<std::string> columns = {"setting"};
  if (has_rungs) columns.insert(columns.end(), {"rung", "steps"});
  columns.insert(columns.end(), {"seeds", "mean", "std", "min", "max"});
  return aligned_table(columns, lines);
}

}  // namespace

SweepDisplay::SweepDisplay(const run::SweepOptions& options)
    : settings_(options.definition.points.size()), line_(kPlainInterval) {
  if (!options.halving) return;
  const run::SweepHalving& halving = *options.halving;
  rungs_ = run::rungs_of(halving.min_steps, halving.max_steps, halving.reduction);
  needed_ = std::pow(static_cast<double>(halving.reduction), static_cast<double>(rungs_.size() - 1));
}

void SweepDisplay::on_start(const run::SweepProgress& progress) {
  if (!rungs_.empty()) {
    const std::string further =
        rungs_.size() > 1
            ? fmt::format(", and the best on to {}", fmt::join(rungs_.begin() + 1, rungs_.end(), ", "))
            : "";
    log(LogLevel::kInfo, "up to {} {}, each trained to {} steps{}", settings_,
        settings_ == 1 ? "setting" : "settings", rungs_.front(), further);
    if (needed_ > static_cast<double>(settings_)) {
      log(LogLevel::kWarning,
          "no setting will be trained to {} steps: one of {:.0f} is, and there are {}; give more --trials, a "
          "larger --min-steps or a smaller --reduction",
          rungs_.back(), needed_, settings_);
    }
  }
  if (progress.done == 0) return;
  log(LogLevel::kInfo, "{} of {} runs are done already", progress.done, progress.due);
}

void SweepDisplay::on_run_start(const run::SweepRun& run) {
  log(LogLevel::kInfo, "{}: {}{}", run.name(), run.resume ? "goes on" : "starts",
      run.max_steps ? fmt::format(", to {} steps", *run.max_steps) : "");
}

void SweepDisplay::on_run_end(const run::SweepRun& run, double seconds, std::optional<double> final_mean,
                              const run::SweepProgress& progress) {
  log(LogLevel::kInfo, "{}: done in {}{}; {} of {} runs{}", run.name(), run::duration_text(seconds),
      final_mean ? ", final mean " + run::figure_text(*final_mean) : "", progress.done, progress.due,
      time_left(progress));
}

void SweepDisplay::on_wait(const run::SweepProgress& progress) {
  if (!line_.due()) return;
  std::string text = fmt::format("runs {} of {}{}{}", progress.done, progress.due, steps_text(progress),
                                 time_left(progress));
  for (const auto& job : progress.jobs) text += fmt::format("  |  {}: {}", job.run->name(), state_of(job));
  line_.show(text);
}

void SweepDisplay::close(const run::SweepSummary& summary) {
  line_.erase();
  if (!summary.settings.empty())
    print("Final mean returns over seeds:\n{}", settings_table(summary.settings, !rungs_.empty()));
  if (summary.budget_spent) {
    print("{}: {} environment steps were taken in all. A larger --budget goes on.\n",
          summary.steps == 0 ? "The budget is less than the first run takes" : "The budget is spent",
          summary.steps);
  }
  print("{} of {} runs are done. Table: {}\n", summary.done, summary.due, summary.results.string());
  for (const std::string& failure : summary.failures) log(LogLevel::kError, "{}", failure);
  if (summary.stopped) log(LogLevel::kInfo, "the sweep was stopped; the same call goes on with it");
}

}  // namespace genkidama::cli
