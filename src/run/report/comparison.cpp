#include "run/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "core/one_line.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "run/evaluation/figure_text.h"
#include "run/report/recorded_run.h"

namespace genkidama::run {
namespace {

namespace fs = std::filesystem;

/// Where the curves' values stand.
struct Source {
  std::string column;
  bool is_evaluations = false;
  bool is_return = false;
};

enum class ReturnKind { kFinalEvaluation, kSweepEvaluation, kLastEvaluation, kTraining, kNone };

/// What one run has come to.
struct RunFigures {
  std::vector<ChartPoint> curve;
  std::optional<double> final_return, reached, steps_per_second, wall_seconds, processor_seconds;
  ReturnKind kind = ReturnKind::kNone;
};

std::vector<fs::path> folders_in(const fs::path& directory) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_directory(error)) folders.push_back(entry->path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

/// A sweep stands for those of its runs that have begun.
std::vector<fs::path> runs_named(const std::vector<fs::path>& directories) {
  std::vector<fs::path> runs;
  for (const fs::path& directory : directories) {
    std::error_code ignored;
    if (!fs::exists(directory / "sweep.json", ignored)) {
      runs.push_back(directory);
      continue;
    }
    for (const fs::path& setting : folders_in(directory / "runs")) {
      for (const fs::path& run : folders_in(setting)) {
        // Not one that was put aside.
        const bool is_run = run.filename().string().starts_with("seed_") && run.extension().empty();
        if (is_run && fs::exists(RunDirectory(run).config(), ignored)) runs.push_back(run);
      }
    }
  }
  return runs;
}

std::vector<RecordedRun> read_runs(const ComparisonOptions& options) {
  std::vector<RecordedRun> runs;
  std::set<fs::path> seen;
  for (const fs::path& path : runs_named(options.runs)) {
    std::error_code ignored;
    const fs::path whole = fs::weakly_canonical(path, ignored);
    if (!whole.empty() && !seen.insert(whole).second) {
      throw ArgumentError(fmt::format("{}: this run is named twice; expected each run once", path.string()));
    }
    runs.push_back(read_recorded_run(path));
  }
  if (runs.empty()) throw ArgumentError("RUN: no run has begun there; expected the directory of a run");
  return runs;
}

void check_one_task(const std::vector<RecordedRun>& runs) {
  const RecordedRun* first = nullptr;
  for (const RecordedRun& run : runs) {
    if (run.environment().empty()) continue;
    if (first == nullptr) first = &run;
    if (run.environment() == first->environment()) continue;
    throw ArgumentError(
        fmt::format("{}: this run's task is {}, and that of {} is {}, so their returns say nothing about one "
                    "another; expected runs of one task, or a column that is no return",
                    run.directory.path().string(), as_one_line(to_utf8(run.environment())),
                    first->directory.path().string(), as_one_line(to_utf8(first->environment()))));
  }
}

std::optional<double> threshold_of(const std::vector<RecordedRun>& runs) {
  for (const RecordedRun& run : runs) {
    const auto threshold = number_at(object_at(run.summary, "final_evaluation"), "threshold");
    if (threshold) return threshold;
  }
  std::set<std::optional<double>> targets;
  for (const RecordedRun& run : runs) targets.insert(number_at(run.config, "target"));
  return targets.size() == 1 ? *targets.begin() : std::nullopt;
}

bool has_evaluations(const RecordedRun& run, CurveAxis axis) {
  return read_curves(run.directory.evaluations(), axis, {"return_mean"})[0].points.size() > 1;
}

bool has_column(const fs::path& table, const std::string& column) {
  const auto columns = columns_of(table);
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

Source named_source(const std::vector<RecordedRun>& runs, const std::string& column) {
  const auto has_any = [&](fs::path (RunDirectory::*table)() const) {
    return std::any_of(runs.begin(), runs.end(),
                       [&](const RecordedRun& run) { return has_column((run.directory.*table)(), column); });
  };
  const bool is_return = column == "return_mean" || column == "child_return_mean";
  if (has_any(&RunDirectory::metrics)) return {column, false, is_return};
  if (has_any(&RunDirectory::evaluations)) return {column, true, is_return};
  std::set<std::string> names;
  for (const RecordedRun& run : runs) {
    for (const fs::path& table : {run.directory.metrics(), run.directory.evaluations()})
      for (std::string& name : columns_of(table)) names.insert(as_one_line(to_utf8(name)));
  }
  // In quotes, because options have the same names as some columns.
  throw ArgumentError(
      fmt::format("column is '{}', which no run's metrics.csv or evaluations.csv has; expected "
                  "one of '{}'",
                  column, fmt::join(names, "', '")));
}

Source source_of(const std::vector<RecordedRun>& runs, const ComparisonOptions& options) {
  if (!options.column.empty()) return named_source(runs, options.column);
  const bool evaluated = std::all_of(
      runs.begin(), runs.end(), [&](const RecordedRun& run) { return has_evaluations(run, options.axis); });
  return {"return_mean", evaluated, true};
}

/// The training return has another name where each merge has a row.
std::string column_in(const RecordedRun& run, const Source& source) {
  const bool is_training_return = source.is_return && !source.is_evaluations;
  const std::string own = is_training_return ? return_column(run.directory.metrics()) : "";
  return own.empty() ? source.column : own;
}

std::string counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::vector<ChartPoint> curve_of(const RecordedRun& run, const Source& source, CurveAxis axis,
                                 std::vector<std::string>& notes) {
  const auto table = source.is_evaluations ? run.directory.evaluations() : run.directory.metrics();
  const std::string column = column_in(run, source);
  ColumnCurve curve = read_curves(table, axis, {column})[0];
  const std::string path = run.directory.path().string();
  if (curve.not_drawn > 0) {
    notes.push_back(
        fmt::format("{}: {} of {} cannot be drawn (no finite number); where all values are so, "
                    "the curve has a gap.",
                    path, counted(curve.not_drawn, "value"), column));
  }
  if (curve.points.empty()) {
    notes.push_back(
        fmt::format("{}: {} has no value of {} over {} yet, so its group's curve is without this run.", path,
                    table.filename().string(), column, axis_column(axis)));
  }
  return std::move(curve.points);
}

/// Of a run whose summary does not tell.
void take_last_row(const RecordedRun& run, RunFigures& figures) {
  const auto steps = read_curves(run.directory.metrics(), CurveAxis::kSeconds, {"environment_steps"})[0];
  if (steps.points.empty()) return;
  const ChartPoint& last = steps.points.back();
  figures.wall_seconds = last.x;
  if (last.x > 0) figures.steps_per_second = last.high / last.x;
}

RunFigures figures_of(const RecordedRun& run, std::optional<double> threshold) {
  RunFigures figures;
  const auto training = training_returns(run.directory.metrics(), threshold);
  const auto evaluated = evaluated_returns(run.directory.evaluations(), threshold);
  figures.reached = evaluated.last ? evaluated.reached : training.reached;
  const auto choose = [&](std::optional<double> value, ReturnKind kind) {
    if (figures.final_return || !value) return;
    figures.final_return = value;
    figures.kind = kind;
  };
  choose(number_at(object_at(run.summary, "final_evaluation"), "mean"), ReturnKind::kFinalEvaluation);
  // A sweep evaluates its runs itself.
  choose(return_in_sweep(run.directory.checkpoint_evaluations()), ReturnKind::kSweepEvaluation);
  choose(evaluated.last, ReturnKind::kLastEvaluation);
  choose(training.last, ReturnKind::kTraining);
  figures.steps_per_second = number_at(run.summary, "env_steps_per_second");
  figures.wall_seconds = number_at(run.summary, "wall_seconds");
  figures.processor_seconds = number_at(run.summary, "processor_seconds");
  if (!figures.wall_seconds) take_last_row(run, figures);
  return figures;
}

SeedMean mean_over(const std::vector<RunFigures>& runs, std::optional<double> RunFigures::*figure) {
  std::vector<double> values;
  for (const RunFigures& run : runs) {
    if (run.*figure) values.push_back(*(run.*figure));
  }
  return seed_mean(values);
}

ComparedGroup group_of(std::string name, const std::vector<RunFigures>& runs) {
  ComparedGroup group;
  group.name = std::move(name);
  group.runs = runs.size();
  std::vector<std::vector<ChartPoint>> curves;
  std::vector<std::optional<double>> reached;
  for (const RunFigures& run : runs) {
    curves.push_back(run.curve);
    // One that has nothing yet has not failed to reach it either.
    if (run.final_return) reached.push_back(run.reached);
  }
  group.curve = mean_curve(curves);
  group.final_return = mean_over(runs, &RunFigures::final_return);
  group.steps = steps_to_threshold(reached);
  group.steps_per_second = mean_over(runs, &RunFigures::steps_per_second);
  group.wall_seconds = mean_over(runs, &RunFigures::wall_seconds);
  group.processor_seconds = mean_over(runs, &RunFigures::processor_seconds);
  return group;
}

void note_kinds(const std::vector<ReturnKind>& kinds, std::vector<std::string>& notes) {
  const auto note = [&](ReturnKind kind, const char* what) {
    const auto count = static_cast<std::size_t>(std::count(kinds.begin(), kinds.end(), kind));
    if (count == 0) return;
    notes.push_back(fmt::format("Of {} of {}, the final return is {}, as there is no final evaluation.",
                                count, counted(kinds.size(), "run"), what));
  };
  note(ReturnKind::kSweepEvaluation, "that of the sweep's evaluation of its final weights");
  note(ReturnKind::kLastEvaluation, "that of the last evaluation during the run");
  note(ReturnKind::kTraining, "the mean of the last 100 training episodes");
  const auto without = static_cast<std::size_t>(std::count(kinds.begin(), kinds.end(), ReturnKind::kNone));
  if (without > 0 && without < kinds.size()) {
    notes.push_back(fmt::format("{} of {} {} no return yet and {} no part of the final returns.", without,
                                counted(kinds.size(), "run"), without == 1 ? "has" : "have",
                                without == 1 ? "is" : "are"));
  }
}

void note_where_curves_end(const ComparedGroup& group, const std::vector<RunFigures>& runs, CurveAxis axis,
                           std::vector<std::string>& notes) {
  double last = 0;
  for (const RunFigures& run : runs) {
    if (!run.curve.empty()) last = std::max(last, run.curve.back().x);
  }
  if (group.curve.empty() || group.curve.back().x >= 0.9 * last) return;
  notes.push_back(
      fmt::format("{}: its seeds end apart, and the curve ends where the first of them does ({} {} of {}).",
                  group.name, axis_column(axis), figure_text(group.curve.back().x), figure_text(last)));
}

}  // namespace

Comparison compare_runs(const ComparisonOptions& options) {
  const std::vector<RecordedRun> runs = read_runs(options);
  if (options.column.empty()) check_one_task(runs);
  const auto groups = options.patterns.empty() ? group_runs(runs) : group_runs(runs, options.patterns);
  const Source source = source_of(runs, options);
  Comparison comparison;
  comparison.threshold = options.threshold ? options.threshold : threshold_of(runs);
  comparison.draws_threshold = source.is_return;
  comparison.axis = options.axis;
  comparison.column = !source.is_return       ? source.column
                      : source.is_evaluations ? "mean return of evaluations"
                                              : "mean return of training episodes";
  comparison.title = to_utf8(runs.front().environment());
  std::vector<ReturnKind> kinds;
  for (const RecordedRun& run : runs) {
    comparison.notes.insert(comparison.notes.end(), run.notes.begin(), run.notes.end());
  }
  for (const RunGroup& group : groups) {
    std::vector<RunFigures> figures;
    for (const std::size_t number : group.runs) {
      RunFigures& each = figures.emplace_back(figures_of(runs[number], comparison.threshold));
      each.curve = curve_of(runs[number], source, options.axis, comparison.notes);
      kinds.push_back(each.kind);
    }
    comparison.groups.push_back(group_of(group.name, figures));
    note_where_curves_end(comparison.groups.back(), figures, options.axis, comparison.notes);
  }
  note_kinds(kinds, comparison.notes);
  return comparison;
}

}  // namespace genkidama::run
