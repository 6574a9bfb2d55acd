#include "genkidama/run/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "run/evaluation/figure_text.h"
#include "run/evaluation/sample.h"
#include "run/evaluation/trainer_statistics.h"

namespace genkidama::run {

namespace {

/// Over the episodes that have the metric: one that was cut has none. Nothing when no episode has it.
std::optional<MetricStatistics> metric_statistics(std::span<const EpisodeResult> episodes, std::size_t index,
                                                  const std::string& name) {
  std::vector<double> values;
  for (const EpisodeResult& episode : episodes) {
    if (!episode.metrics.empty()) values.push_back(static_cast<double>(episode.metrics[index]));
  }
  if (values.empty()) return {};
  MetricStatistics result;
  result.name = name;
  result.mean = mean_of(values);
  result.standard_error =
      standard_deviation_of(values, result.mean) / std::sqrt(static_cast<double>(values.size()));
  result.mean_interval = bootstrap_mean_interval(values);
  return result;
}

}  // namespace

EvaluationStatistics statistics_of(std::span<const EpisodeResult> episodes, double threshold,
                                   std::span<const std::string> metrics) {
  if (episodes.empty()) throw ArgumentError("statistics of no episodes; expected at least one");
  const auto count = static_cast<double>(episodes.size());
  std::vector<double> returns;
  EvaluationStatistics result;
  std::size_t reaching = 0;
  std::size_t truncated = 0;
  for (const EpisodeResult& episode : episodes) {
    returns.push_back(episode.episode_return);
    result.mean += episode.episode_return / count;
    result.mean_length += episode.length / count;
    const bool has_none = episode.truncated && episode.metrics.empty();
    if (!metrics.empty() && episode.metrics.size() != metrics.size() && !has_none) {
      throw ArgumentError(fmt::format("statistics of an episode with {} metrics; expected {}",
                                      episode.metrics.size(), metrics.size()));
    }
    if (episode.truncated) ++truncated;
    if (episode.episode_return >= threshold) ++reaching;
  }
  result.episodes = static_cast<int>(episodes.size());
  result.truncated_share = static_cast<double>(truncated) / count;
  result.standard_deviation = standard_deviation_of(returns, result.mean);
  result.standard_error = result.standard_deviation / std::sqrt(count);
  result.mean_interval = bootstrap_mean_interval(returns);
  std::sort(returns.begin(), returns.end());
  result.min = returns.front();
  result.q25 = quantile_of(returns, 0.25);
  result.median = quantile_of(returns, 0.5);
  result.q75 = quantile_of(returns, 0.75);
  result.max = returns.back();
  if (is_finite(threshold)) {
    result.threshold = threshold;
    result.threshold_share = static_cast<double>(reaching) / count;
  }
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    if (auto metric = metric_statistics(episodes, i, metrics[i]))
      result.metrics.push_back(std::move(*metric));
  }
  return result;
}

std::string interval_text(const Interval& interval) {
  // A 95 % interval is about four standard errors wide.
  const double error = (interval.high - interval.low) / 4;
  return figure_text(interval.low, error) + " to " + figure_text(interval.high, error);
}

std::string mean_text(const EvaluationStatistics& statistics) {
  return fmt::format("mean return {} over {} episode{}, 95 % interval {}",
                     figure_text(statistics.mean, statistics.standard_error), statistics.episodes,
                     statistics.episodes == 1 ? "" : "s", interval_text(statistics.mean_interval));
}

EvaluationStatistics trainer_statistics(const CoreOrchestrator& trainer, const EvaluationRequest& request,
                                        std::span<const EpisodeResult> episodes) {
  const EnvironmentSpec& environment = trainer.environment_spec();
  EvaluationStatistics statistics =
      statistics_of(episodes, environment.reward_threshold, environment.metrics);
  statistics.seed = request.seed;
  statistics.greedy = request.greedy;
  return statistics;
}

EvaluationStatistics evaluate(CoreOrchestrator& trainer, const EvaluationRequest& request,
                              std::vector<EpisodeResult>* played) {
  auto episodes = trainer.evaluate(request);
  const EvaluationStatistics statistics = trainer_statistics(trainer, request, episodes);
  if (played != nullptr) *played = std::move(episodes);
  return statistics;
}

}  // namespace genkidama::run
