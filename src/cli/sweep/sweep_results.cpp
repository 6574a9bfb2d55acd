#include "cli/sweep/sweep_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cli/sweep/sweep_standing.h"
#include "cli/terminal/text_table.h"
#include "genkidama/core/atomic_file.h"
#include "run/directory/checkpoint_list.h"
#include "run/evaluation/figure_text.h"
#include "run/evaluation/sample.h"

namespace genkidama::cli {
namespace {

// As they are called in an evaluation's table.
const run::CsvRow kStatistics = {
    "episodes", "greedy", "mean", "std", "standard_error",  "ci_low",      "ci_high",        "q25",
    "median",   "q75",    "min",  "max", "threshold_share", "mean_length", "truncated_share"};

class RowMaker {
 public:
  RowMaker(const SweepRun& run, const std::vector<std::string>& options, const std::vector<OptionRow>& table)
      : start_{run.setting} {
    for (const std::string& option : options) start_.push_back(value_of(run, option, table));
    start_.push_back(fmt::format("{}", run.seed));
    const auto summary = summary_of(run.directory);
    rate_ = fmt::format("{:.1f}", summary.value("env_steps_per_second", 0.0));
    if (const auto metrics = run::read_csv(run.directory.metrics())) {
      for (const run::CsvRow& row : metrics->rows) {
        seconds_[metrics->field(row, "update")] = metrics->field(row, "wall_seconds");
      }
    }
  }

  run::CsvRow row(const std::string& update, const std::string& steps, bool is_final,
                  const run::CsvRow& statistics) const {
    run::CsvRow row = start_;
    const auto seconds = seconds_.find(update);
    const std::string final_text = fmt::format("{}", is_final ? 1 : 0);
    row.insert(row.end(), {update, steps, seconds == seconds_.end() ? "" : seconds->second, final_text});
    row.insert(row.end(), statistics.begin(), statistics.end());
    row.push_back(rate_);
    return row;
  }

 private:
  static std::string value_of(const SweepRun& run, const std::string& option,
                              const std::vector<OptionRow>& table) {
    for (const SweepValue& value : run.point) {
      if (value.option == option) return value.value;
    }
    // The run's setting leaves it as it is.
    for (const OptionRow& row : table) {
      if (row.name == option) return row.value_text(run.settings);
    }
    return "";
  }

  run::CsvRow start_;
  std::string rate_;
  std::map<std::string, std::string> seconds_;  // by update
};

run::CsvRow final_returns(const SweepRun& run) {
  const auto table = run::read_csv(run.returns());
  if (!table || table->rows.empty()) return {};
  const run::CsvRow& last = table->rows.back();
  if (!run::is_final(table->field(last, "checkpoint"))) return {};
  return {run.setting, fmt::format("{}", run.seed), table->field(last, "returns")};
}

std::vector<std::string> line_of_setting(const std::string& setting, const std::vector<double>& means) {
  const double mean = run::mean_of(means);
  const auto [min, max] = std::minmax_element(means.begin(), means.end());
  const auto count = static_cast<double>(means.size());
  const double deviation = run::standard_deviation_of(means, mean);
  const auto figure = [error = deviation / std::sqrt(count)](double value) {
    return error > 0 ? run::figure_text(value, error) : run::figure_text(value);
  };
  return {setting,      fmt::format("{}", means.size()),
          figure(mean), means.size() < 2 ? "-" : figure(deviation),
          figure(*min), figure(*max)};
}

}  // namespace

run::CsvRow result_columns(const std::vector<std::string>& options) {
  run::CsvRow columns = {"setting"};
  columns.insert(columns.end(), options.begin(), options.end());
  columns.insert(columns.end(), {"seed", "update", "environment_steps", "wall_seconds", "final"});
  columns.insert(columns.end(), kStatistics.begin(), kStatistics.end());
  columns.push_back("steps_per_second");
  return columns;
}

RunResult result_of(const SweepRun& run, const std::vector<std::string>& options,
                    const std::vector<OptionRow>& table) {
  const auto summary = summary_of(run.directory);
  RunResult result;
  result.setting = run.setting;
  result.wall_seconds = summary.value("wall_seconds", 0.0);
  const RowMaker maker(run, options, table);
  const auto evaluations = run::read_csv(run.evaluations());
  if (!evaluations || evaluations->rows.empty()) {
    run::CsvRow nothing(kStatistics.size());
    nothing[0] = fmt::format("{}", 0);
    nothing[1] = fmt::format("{}", run.settings.run.greedy ? 1 : 0);
    result.rows.push_back(maker.row(fmt::format("{}", summary.value("updates", std::uint64_t{0})),
                                    fmt::format("{}", summary.value("environment_steps", std::uint64_t{0})),
                                    true, nothing));
    return result;
  }
  for (const run::CsvRow& row : evaluations->rows) {
    run::CsvRow statistics;
    for (const std::string& name : kStatistics) statistics.push_back(evaluations->field(row, name));
    const bool last = run::is_final(evaluations->field(row, "checkpoint"));
    if (last) result.final_mean = run::number_in(evaluations->field(row, "mean"));
    result.rows.push_back(maker.row(evaluations->field(row, "update"),
                                    evaluations->field(row, "environment_steps"), last, statistics));
  }
  result.returns = final_returns(run);
  return result;
}

void write_results(const SweepDirectory& directory, const std::vector<std::string>& options,
                   const std::vector<RunResult>& results) {
  std::string rows = run::csv_line(result_columns(options));
  std::string returns = run::csv_line({"setting", "seed", "returns"});
  for (const RunResult& result : results) {
    for (const run::CsvRow& row : result.rows) rows += run::csv_line(row);
    if (!result.returns.empty()) returns += run::csv_line(result.returns);
  }
  write_file_atomically(directory.returns(), returns);
  write_file_atomically(directory.results(), rows);
}

std::string settings_table(const std::vector<RunResult>& results) {
  std::vector<std::string> settings;
  std::map<std::string, std::vector<double>> means;
  for (const RunResult& result : results) {
    if (!result.final_mean) continue;
    if (means[result.setting].empty()) settings.push_back(result.setting);
    means[result.setting].push_back(*result.final_mean);
  }
  std::vector<std::vector<std::string>> lines;
  for (const std::string& setting : settings) lines.push_back(line_of_setting(setting, means[setting]));
  return aligned_table({"setting", "seeds", "mean", "std", "min", "max"}, lines);
}

}  // namespace genkidama::cli
