#pragma once

/// @file
/// Evaluations of several checkpoints, for programs and for tables.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/run/evaluation.h"
#include "run/evaluation/evaluation_json.h"
#include "run/metrics/csv_table.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

struct CheckpointEvaluation {
  std::filesystem::path checkpoint;
  std::map<std::string, std::string> metadata;  ///< the checkpoint's
  std::string environment;
  std::string preset;  ///< whose network was used
  EvaluationStatistics statistics;
  std::vector<EpisodeResult> episodes;
};

nlohmann::ordered_json to_json(const CheckpointEvaluation& evaluation);

/// The figure of a column of to_csv(), as that writes it. Throws ArgumentError when there is no such column.
std::string csv_figure(const EvaluationStatistics& statistics, std::string_view column);

/// The column of an episode's metric in a table of the run: metric_NAME, and what follows it.
std::string metric_column(const std::string& name, std::string_view suffix = {});
/// The columns of metrics in an evaluation's table: metric_NAME_mean, metric_NAME_ci_low and
/// metric_NAME_ci_high for each name.
CsvRow metric_columns(const std::vector<std::string>& names);
/// The fields of these columns, empty for a metric that the statistics do not have.
CsvRow metric_fields(const EvaluationStatistics& statistics, const std::vector<std::string>& names);
/// The names of the statistics' metrics.
std::vector<std::string> metric_names(const EvaluationStatistics& statistics);
/// The names of the metrics that one of the evaluations has, each once.
std::vector<std::string> metric_names(const std::vector<CheckpointEvaluation>& evaluations);
/// The metrics in a row of a table that has such columns.
std::vector<MetricStatistics> metrics_in(const CsvTable& table, const CsvRow& row);

/// checkpoint, update, environment_steps, episodes, seed, greedy, the statistics, and the metrics. Whole
/// files.
std::string to_csv(const std::vector<CheckpointEvaluation>& evaluations);

/// checkpoint, update, and the returns with eight digits and spaces between, in the order of the episodes.
std::string returns_to_csv(const std::vector<CheckpointEvaluation>& evaluations);

}  // namespace run
}  // namespace genkidama
