#include "run/evaluation/evaluation_report.h"

#include <fmt/format.h>

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

}  // namespace

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

std::string to_csv(const std::vector<CheckpointEvaluation>& evaluations) {
  std::string text = csv_line({"checkpoint",
                               "update",
                               "environment_steps",
                               "episodes",
                               "seed",
                               "greedy",
                               "mean",
                               "std",
                               "standard_error",
                               "ci_low",
                               "ci_high",
                               "q25",
                               "median",
                               "q75",
                               "min",
                               "max",
                               "threshold",
                               "threshold_share",
                               "mean_length",
                               "truncated_share"});
  for (const CheckpointEvaluation& evaluation : evaluations) {
    const EvaluationStatistics& result = evaluation.statistics;
    text += csv_line({evaluation.checkpoint.string(),
                      metadata_text(evaluation, "update"),
                      metadata_text(evaluation, "environment_steps"),
                      fmt::format("{}", result.episodes),
                      fmt::format("{}", result.seed),
                      result.greedy ? "1" : "0",
                      number(result.mean),
                      number(result.standard_deviation),
                      number(result.standard_error),
                      number(result.mean_interval.low),
                      number(result.mean_interval.high),
                      number(result.q25),
                      number(result.median),
                      number(result.q75),
                      number(result.min),
                      number(result.max),
                      optional_number(result.threshold),
                      optional_number(result.threshold_share),
                      number(result.mean_length),
                      number(result.truncated_share)});
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
