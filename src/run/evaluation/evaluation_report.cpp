#include "run/evaluation/evaluation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"

namespace genkidama::run {
namespace {

std::string metadata_text(const CheckpointEvaluation& evaluation, const std::string& key) {
  const auto field = evaluation.metadata.find(key);
  return field == evaluation.metadata.end() ? "" : field->second;
}

std::string number(double value) {
  return fmt::format("{:.8g}", value);
}

std::string optional_number(const std::optional<double>& value) {
  return value ? number(*value) : "";
}

struct Figure {
  std::string_view column;
  std::string (*text)(const EvaluationStatistics&);
};

using Statistics = EvaluationStatistics;

// In the order of the table's columns.
constexpr Figure kFigures[] = {
    {"episodes", [](const Statistics& s) { return fmt::format("{}", s.episodes); }},
    {"seed", [](const Statistics& s) { return fmt::format("{}", s.seed); }},
    {"greedy", [](const Statistics& s) { return std::string(s.greedy ? "1" : "0"); }},
    {"mean", [](const Statistics& s) { return number(s.mean); }},
    {"std", [](const Statistics& s) { return number(s.standard_deviation); }},
    {"standard_error", [](const Statistics& s) { return number(s.standard_error); }},
    {"ci_low", [](const Statistics& s) { return number(s.mean_interval.low); }},
    {"ci_high", [](const Statistics& s) { return number(s.mean_interval.high); }},
    {"q25", [](const Statistics& s) { return number(s.q25); }},
    {"median", [](const Statistics& s) { return number(s.median); }},
    {"q75", [](const Statistics& s) { return number(s.q75); }},
    {"min", [](const Statistics& s) { return number(s.min); }},
    {"max", [](const Statistics& s) { return number(s.max); }},
    {"threshold", [](const Statistics& s) { return optional_number(s.threshold); }},
    {"threshold_share", [](const Statistics& s) { return optional_number(s.threshold_share); }},
    {"mean_length", [](const Statistics& s) { return number(s.mean_length); }},
    {"truncated_share", [](const Statistics& s) { return number(s.truncated_share); }},
};

constexpr std::string_view kMetricPrefix = "metric_";
constexpr std::string_view kMeanSuffix = "_mean";

}  // namespace

std::string metric_column(const std::string& name, std::string_view suffix) {
  return fmt::format("{}{}{}", kMetricPrefix, name, suffix);
}

CsvRow metric_columns(const std::vector<std::string>& names) {
  CsvRow columns;
  for (const std::string& name : names) {
    for (const std::string_view suffix :
         {kMeanSuffix, std::string_view("_ci_low"), std::string_view("_ci_high")}) {
      columns.push_back(metric_column(name, suffix));
    }
  }
  return columns;
}

CsvRow metric_fields(const EvaluationStatistics& statistics, const std::vector<std::string>& names) {
  CsvRow fields;
  for (const std::string& name : names) {
    const auto metric = std::find_if(statistics.metrics.begin(), statistics.metrics.end(),
                                     [&](const MetricStatistics& each) { return each.name == name; });
    if (metric == statistics.metrics.end()) {
      fields.insert(fields.end(), 3, "");
    } else {
      for (const double value : {metric->mean, metric->mean_interval.low, metric->mean_interval.high}) {
        fields.push_back(number(value));
      }
    }
  }
  return fields;
}

std::vector<std::string> metric_names(const EvaluationStatistics& statistics) {
  std::vector<std::string> names;
  for (const MetricStatistics& metric : statistics.metrics) names.push_back(metric.name);
  return names;
}

std::vector<std::string> metric_names(const std::vector<CheckpointEvaluation>& evaluations) {
  std::vector<std::string> names;
  for (const CheckpointEvaluation& evaluation : evaluations) {
    for (std::string& name : metric_names(evaluation.statistics)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
    }
  }
  return names;
}

std::vector<MetricStatistics> metrics_in(const CsvTable& table, const CsvRow& row) {
  std::vector<MetricStatistics> metrics;
  for (const std::string& column : table.columns) {
    if (!column.starts_with(kMetricPrefix) || !column.ends_with(kMeanSuffix)) continue;
    MetricStatistics metric;
    metric.name =
        column.substr(kMetricPrefix.size(), column.size() - kMetricPrefix.size() - kMeanSuffix.size());
    const auto value = [&](std::string_view suffix) {
      return number_in(table.field(row, metric_column(metric.name, suffix)));
    };
    const auto mean = value(kMeanSuffix);
    if (!mean) continue;
    metric.mean = *mean;
    metric.mean_interval = {value("_ci_low").value_or(*mean), value("_ci_high").value_or(*mean)};
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

nlohmann::ordered_json to_json(const CheckpointEvaluation& evaluation) {
  auto json = to_json(evaluation.statistics);
  json["checkpoint"] = escape_bytes(evaluation.checkpoint.string());
  for (const char* key : {"update", "environment_steps"}) {
    const std::string text = metadata_text(evaluation, key);
    const auto value = nlohmann::json::parse(text, nullptr, false);
    json[key] = value.is_number_unsigned() ? nlohmann::ordered_json(value.get<std::uint64_t>())
                                           : nlohmann::ordered_json();
  }
  json["environment"] = evaluation.environment;
  json["preset"] = evaluation.preset;
  return json;
}

std::string csv_figure(const EvaluationStatistics& statistics, std::string_view column) {
  for (const Figure& figure : kFigures) {
    if (figure.column == column) return figure.text(statistics);
  }
  throw ArgumentError(fmt::format("an evaluation's table has no column '{}'", column));
}

std::string to_csv(const std::vector<CheckpointEvaluation>& evaluations) {
  CsvRow columns = {"checkpoint", "update", "environment_steps"};
  for (const Figure& figure : kFigures) columns.emplace_back(figure.column);
  const auto names = metric_names(evaluations);
  for (std::string& column : metric_columns(names)) columns.push_back(std::move(column));
  std::string text = csv_line(columns);
  for (const CheckpointEvaluation& evaluation : evaluations) {
    CsvRow row = {evaluation.checkpoint.string(), metadata_text(evaluation, "update"),
                  metadata_text(evaluation, "environment_steps")};
    for (const Figure& figure : kFigures) row.push_back(figure.text(evaluation.statistics));
    for (std::string& field : metric_fields(evaluation.statistics, names)) row.push_back(std::move(field));
    text += csv_line(row);
  }
  return text;
}

std::string returns_to_csv(const std::vector<CheckpointEvaluation>& evaluations) {
  std::string text = csv_line({"checkpoint", "update", "returns"});
  for (const CheckpointEvaluation& evaluation : evaluations) {
    std::string returns;
    for (const EpisodeResult& episode : evaluation.episodes) {
      if (!returns.empty()) returns += ' ';
      returns += number(episode.episode_return);
    }
    text += csv_line({evaluation.checkpoint.string(), metadata_text(evaluation, "update"), returns});
  }
  return text;
}

}  // namespace genkidama::run
