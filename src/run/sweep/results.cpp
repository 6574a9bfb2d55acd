#include "run/sweep/results.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"
#include "run/directory/checkpoint_list.h"
#include "run/directory/summary_file.h"
#include "run/evaluation/evaluation_report.h"
#include "run/evaluation/sample.h"
#include "run/metrics/csv_table.h"
#include "run/sweep/standing.h"

namespace genkidama::run {
namespace {

// As they are called in an evaluation's table.
const CsvRow kStatistics = {
    "episodes", "greedy", "mean", "std", "standard_error",  "ci_low",      "ci_high",        "q25",
    "median",   "q75",    "min",  "max", "threshold_share", "mean_length", "truncated_share"};

std::uint64_t count_in(const std::string& field) {
  std::uint64_t count = 0;
  std::from_chars(field.data(), field.data() + field.size(), count);
  return count;
}

// A row of an evaluation's table, read by the names of its columns.
EvaluationStatistics statistics_in(const CsvTable& table, const CsvRow& row) {
  const auto number = [&](const char* column) { return number_in(table.field(row, column)); };
  const auto value = [&](const char* column) { return number(column).value_or(0); };
  EvaluationStatistics statistics;
  statistics.episodes = static_cast<int>(value("episodes"));
  statistics.seed = count_in(table.field(row, "seed"));
  statistics.greedy = value("greedy") != 0;
  statistics.mean = value("mean");
  statistics.standard_deviation = value("std");
  statistics.standard_error = value("standard_error");
  statistics.mean_interval = {value("ci_low"), value("ci_high")};
  statistics.q25 = value("q25");
  statistics.median = value("median");
  statistics.q75 = value("q75");
  statistics.min = value("min");
  statistics.max = value("max");
  statistics.threshold = number("threshold");
  statistics.threshold_share = number("threshold_share");
  statistics.mean_length = value("mean_length");
  statistics.truncated_share = value("truncated_share");
  statistics.metrics = metrics_in(table, row);
  return statistics;
}

// In the order of kStatistics.
CsvRow fields_of(const EvaluationStatistics& statistics) {
  CsvRow fields;
  for (const std::string& column : kStatistics) fields.push_back(csv_figure(statistics, column));
  return fields;
}

CsvRow fields_without_evaluation(bool greedy) {
  CsvRow fields = {"0", greedy ? "1" : "0"};
  fields.resize(kStatistics.size());
  return fields;
}

std::map<std::uint64_t, double> seconds_by_update(const RunDirectory& directory) {
  std::map<std::uint64_t, double> seconds;
  const auto metrics = read_csv(directory.metrics());
  if (!metrics) return seconds;
  for (const CsvRow& row : metrics->rows) {
    const auto value = number_in(metrics->field(row, "wall_seconds"));
    if (value) seconds[count_in(metrics->field(row, "update"))] = *value;
  }
  return seconds;
}

std::vector<double> final_returns(const SweepRun& run) {
  const auto table = read_csv(run.returns());
  if (!table || table->rows.empty() || !is_final(table->field(table->rows.back(), "checkpoint"))) return {};
  std::istringstream numbers(table->field(table->rows.back(), "returns"));
  std::vector<double> returns;
  for (double value = 0; numbers >> value;) returns.push_back(value);
  return returns;
}

std::vector<std::string> checkpoints_there(const SweepRun& run) {
  std::vector<std::string> names;
  try {
    for (const auto& path : checkpoints_of({run.directory.string()}))
      names.push_back(path.filename().string());
  } catch (const ArgumentError&) {
    // None: the evaluation will say so.
  }
  return names;
}

// Of all runs, each once, in the order in which they come.
std::vector<std::string> metrics_of(const std::vector<RunResult>& results) {
  std::vector<std::string> names;
  for (const RunResult& result : results) {
    for (const CheckpointResult& checkpoint : result.checkpoints) {
      if (!checkpoint.statistics) continue;
      for (std::string& name : metric_names(*checkpoint.statistics)) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
      }
    }
  }
  return names;
}

CsvRow result_columns(const std::vector<std::string>& options, const std::vector<std::string>& metrics) {
  CsvRow columns = {"setting"};
  columns.insert(columns.end(), options.begin(), options.end());
  columns.insert(columns.end(), {"seed", "update", "environment_steps", "wall_seconds", "final"});
  columns.insert(columns.end(), kStatistics.begin(), kStatistics.end());
  columns.push_back("steps_per_second");
  const CsvRow more = metric_columns(metrics);
  columns.insert(columns.end(), more.begin(), more.end());
  return columns;
}

CsvRow row_of(const RunResult& run, const CheckpointResult& checkpoint,
              const std::vector<std::string>& metrics) {
  CsvRow row = {run.run.setting()};
  row.insert(row.end(), run.values.begin(), run.values.end());
  const auto& seconds = checkpoint.wall_seconds;
  row.insert(row.end(), {fmt::format("{}", run.run.seed), fmt::format("{}", checkpoint.update),
                         fmt::format("{}", checkpoint.environment_steps),
                         seconds ? fmt::format("{:.3f}", *seconds) : "", checkpoint.is_final ? "1" : "0"});
  const CsvRow statistics =
      checkpoint.statistics ? fields_of(*checkpoint.statistics) : fields_without_evaluation(run.greedy);
  row.insert(row.end(), statistics.begin(), statistics.end());
  row.push_back(fmt::format("{:.1f}", run.steps_per_second));
  const CsvRow more = metric_fields(checkpoint.statistics.value_or(EvaluationStatistics()), metrics);
  row.insert(row.end(), more.begin(), more.end());
  return row;
}

}  // namespace

std::optional<double> RunResult::final_mean() const {
  for (const CheckpointResult& checkpoint : checkpoints) {
    if (checkpoint.is_final && checkpoint.statistics) return checkpoint.statistics->mean;
  }
  return {};
}

bool covers_checkpoints(const SweepRun& run) {
  const auto table = read_csv(run.evaluations());
  if (!table || table->rows.empty() || !read_csv(run.returns())) return false;
  std::vector<std::string> names;
  for (const CsvRow& row : table->rows) {
    // Without its directory, which may have been moved.
    names.push_back(std::filesystem::path(table->field(row, "checkpoint")).filename().string());
  }
  // The last row is that of the final weights, which a resumed run replaces.
  const auto steps = read_summary(RunDirectory(run.directory)).value("environment_steps", std::uint64_t{0});
  return names == checkpoints_there(run) &&
         count_in(table->field(table->rows.back(), "environment_steps")) == steps;
}

bool is_evaluated(const SweepRun& run, const EvaluationRequest& request) {
  if (!covers_checkpoints(run)) return false;
  const auto table = read_csv(run.evaluations());
  return table && std::all_of(table->rows.begin(), table->rows.end(), [&](const CsvRow& row) {
           const EvaluationStatistics made = statistics_in(*table, row);
           return made.episodes == request.episodes && made.seed == request.seed &&
                  made.greedy == request.greedy;
         });
}

EvaluationMark evaluation_mark(const SweepRun& run) {
  struct stat status {};
  if (::stat(run.evaluations().c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

RunResult result_of(const SweepRun& run, bool greedy) {
  const RunDirectory directory(run.directory);
  const auto summary = read_summary(directory);
  const auto seconds = seconds_by_update(directory);
  RunResult result;
  result.run = run;
  result.greedy = greedy;
  result.wall_seconds = summary.value("wall_seconds", 0.0);
  result.steps_per_second = summary.value("env_steps_per_second", 0.0);
  const auto evaluations = read_csv(run.evaluations());
  if (!evaluations || evaluations->rows.empty()) {
    CheckpointResult last;
    last.update = summary.value("updates", std::uint64_t{0});
    last.environment_steps = summary.value("environment_steps", std::uint64_t{0});
    last.is_final = true;
    result.checkpoints.push_back(last);
  } else {
    for (const CsvRow& row : evaluations->rows) {
      result.checkpoints.push_back({count_in(evaluations->field(row, "update")),
                                    count_in(evaluations->field(row, "environment_steps")),
                                    {},
                                    is_final(evaluations->field(row, "checkpoint")),
                                    statistics_in(*evaluations, row)});
    }
    result.final_returns = final_returns(run);
  }
  for (CheckpointResult& checkpoint : result.checkpoints) {
    const auto found = seconds.find(checkpoint.update);
    if (found != seconds.end()) checkpoint.wall_seconds = found->second;
  }
  return result;
}

std::filesystem::path results_in(const std::filesystem::path& sweep) {
  return sweep / "results.csv";
}

void write_results(const std::filesystem::path& sweep, const std::vector<std::string>& options,
                   const std::vector<RunResult>& results) {
  const std::vector<std::string> metrics = metrics_of(results);
  std::string rows = csv_line(result_columns(options, metrics));
  std::string returns = csv_line({"setting", "seed", "returns"});
  for (const RunResult& result : results) {
    for (const CheckpointResult& checkpoint : result.checkpoints)
      rows += csv_line(row_of(result, checkpoint, metrics));
    if (result.final_returns.empty()) continue;
    std::vector<std::string> texts;
    for (const double value : result.final_returns) texts.push_back(fmt::format("{:.1f}", value));
    returns += csv_line(
        {result.run.setting(), fmt::format("{}", result.run.seed), fmt::format("{}", fmt::join(texts, " "))});
  }
  write_file_atomically(sweep / "final_returns.csv", returns);
  write_file_atomically(results_in(sweep), rows);
}

std::vector<SettingStatistics> statistics_by_setting(const std::vector<RunResult>& results) {
  std::vector<SettingStatistics> settings;
  std::map<std::string, std::vector<double>> means;
  for (const RunResult& result : results) {
    const auto mean = result.final_mean();
    if (!mean) continue;
    const std::string name = result.run.setting();
    if (means[name].empty()) settings.push_back({name});
    means[name].push_back(*mean);
  }
  for (SettingStatistics& setting : settings) {
    std::vector<double>& values = means[setting.setting];
    setting.seeds = values.size();
    setting.mean = mean_of(values);
    setting.standard_deviation = standard_deviation_of(values, setting.mean);
    std::sort(values.begin(), values.end());
    setting.min = values.front();
    setting.max = values.back();
    setting.median = quantile_of(values, 0.5);
  }
  return settings;
}

void evaluate_checkpoints(CoreOrchestrator& trainer, const SweepRun& run, const EvaluationRequest& request) {
  std::vector<CheckpointEvaluation> evaluations;
  for (const auto& path : checkpoints_of({run.directory.string()})) {
    Checkpoint file = read_safetensors(path, trainer.layout());
    trainer.write_weights(file.weights);
    trainer.normalise_as(file.metadata);
    CheckpointEvaluation& evaluation = evaluations.emplace_back();
    evaluation.checkpoint = path;
    evaluation.metadata = std::move(file.metadata);
    evaluation.environment = trainer.environment_spec().name;
    evaluation.statistics = evaluate(trainer, request, &evaluation.episodes);
  }
  // The table last: whoever finds it finds the returns too.
  write_file_atomically(run.returns(), returns_to_csv(evaluations));
  write_file_atomically(run.evaluations(), to_csv(evaluations));
}

}  // namespace genkidama::run
