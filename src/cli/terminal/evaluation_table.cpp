#include "cli/terminal/evaluation_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "cli/terminal/text_table.h"
#include "run/evaluation/figure_text.h"

namespace genkidama::cli {
namespace {

std::string metadata_text(const run::CheckpointEvaluation& evaluation, const std::string& key) {
  const auto field = evaluation.metadata.find(key);
  return field == evaluation.metadata.end() ? "" : field->second;
}

std::string mean_of(const run::MetricStatistics& metric) {
  return run::figure_text(metric.mean, metric.standard_error);
}

}  // namespace

std::string to_table(const run::EvaluationStatistics& statistics) {
  std::string table;
  const auto row = [&table](std::string_view label, const std::string& value) {
    table += fmt::format("  {:<22} {}\n", label, value);
  };
  row("episodes", fmt::format("{} (seed {}, {} actions)", statistics.episodes, statistics.seed,
                              statistics.greedy ? "greedy" : "sampled"));
  const auto figure = [&statistics](double value) {
    return run::figure_text(value, statistics.standard_error);
  };
  row("mean return",
      fmt::format("{} (standard error {}, 95 % interval {})", figure(statistics.mean),
                  figure(statistics.standard_error), run::interval_text(statistics.mean_interval)));
  row("standard deviation", figure(statistics.standard_deviation));
  row("median", figure(statistics.median));
  row("min, max", fmt::format("{}, {}", figure(statistics.min), figure(statistics.max)));
  if (statistics.threshold && statistics.threshold_share) {
    row(fmt::format("episodes >= {}", *statistics.threshold),
        fmt::format("{:.1f} %", 100 * *statistics.threshold_share));
  }
  row("mean length", fmt::format("{:.1f} steps", statistics.mean_length));
  row("ended by time limit", fmt::format("{:.1f} %", 100 * statistics.truncated_share));
  for (const run::MetricStatistics& metric : statistics.metrics) {
    row(metric.name, fmt::format("{} (standard error {}, 95 % interval {})", mean_of(metric),
                                 run::figure_text(metric.standard_error, metric.standard_error),
                                 run::interval_text(metric.mean_interval)));
  }
  return table;
}

std::string to_table(const std::vector<run::CheckpointEvaluation>& evaluations) {
  const auto& threshold = evaluations.front().statistics.threshold;
  std::vector<std::string> columns = {"checkpoint",    "update", "steps", "mean",
                                      "95 % interval", "std",    "median"};
  if (threshold) columns.push_back(fmt::format(">= {}", *threshold));
  const auto names = run::metric_names(evaluations);
  columns.insert(columns.end(), names.begin(), names.end());
  std::vector<std::vector<std::string>> rows;
  for (const run::CheckpointEvaluation& evaluation : evaluations) {
    const run::EvaluationStatistics& result = evaluation.statistics;
    auto& row = rows.emplace_back(std::vector<std::string>{
        evaluation.checkpoint.string(), metadata_text(evaluation, "update"),
        metadata_text(evaluation, "environment_steps"), run::figure_text(result.mean, result.standard_error),
        run::interval_text(result.mean_interval),
        run::figure_text(result.standard_deviation, result.standard_error),
        run::figure_text(result.median, result.standard_error)});
    if (threshold) row.push_back(fmt::format("{:.1f} %", 100 * result.threshold_share.value_or(0)));
    for (const std::string& name : names) {
      // Episodes that were cut have none.
      const auto metric = std::find_if(result.metrics.begin(), result.metrics.end(),
                                       [&name](const auto& each) { return each.name == name; });
      row.push_back(metric == result.metrics.end() ? "" : mean_of(*metric));
    }
  }
  return aligned_table(columns, rows);
}

}  // namespace genkidama::cli
