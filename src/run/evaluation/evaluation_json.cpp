#include "run/evaluation/evaluation_json.h"

namespace genkidama::run {

nlohmann::ordered_json to_json(const EvaluationStatistics& statistics) {
  nlohmann::ordered_json json;
  json["episodes"] = statistics.episodes;
  json["seed"] = statistics.seed;
  json["greedy"] = statistics.greedy;
  json["mean"] = statistics.mean;
  json["std"] = statistics.standard_deviation;
  json["standard_error"] = statistics.standard_error;
  json["ci_low"] = statistics.mean_interval.low;
  json["ci_high"] = statistics.mean_interval.high;
  json["q25"] = statistics.q25;
  json["median"] = statistics.median;
  json["q75"] = statistics.q75;
  json["min"] = statistics.min;
  json["max"] = statistics.max;
  json["mean_length"] = statistics.mean_length;
  json["truncated_share"] = statistics.truncated_share;
  json["threshold"] = nullptr;
  json["threshold_share"] = nullptr;
  if (statistics.threshold) json["threshold"] = *statistics.threshold;
  if (statistics.threshold_share) json["threshold_share"] = *statistics.threshold_share;
  for (const MetricStatistics& metric : statistics.metrics) {
    json["metrics"][metric.name] = {{"mean", metric.mean},
                                    {"standard_error", metric.standard_error},
                                    {"ci_low", metric.mean_interval.low},
                                    {"ci_high", metric.mean_interval.high}};
  }
  return json;
}

}  // namespace genkidama::run
