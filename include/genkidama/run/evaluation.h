#pragma once

/// @file
/// Playing a policy, and what the episodes say about it.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/orchestrator/core_orchestrator.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// A range that a figure lies in.
struct Interval {
  double low = 0;   ///< lower end
  double high = 0;  ///< upper end
};

/// A 95 % interval of the mean: the percentiles of the means of 2000 resamples (Efron 1979). The bootstrap
/// assumes nothing about the shape of the sample, and returns are often far from normal. The same sample
/// gives the same interval. Of more than 100,000 values the mean is normal for all purposes, and the interval
/// is mean -+ 1.96 standard errors. `values` must not be empty.
Interval bootstrap_mean_interval(std::span<const double> values);

/// What the episodes came to by one of the environment's metrics (EnvironmentSpec::metrics).
struct MetricStatistics {
  std::string name;           ///< as the environment's spec has it
  double mean = 0;            ///< over the episodes
  double standard_error = 0;  ///< of the mean
  Interval mean_interval;     ///< of the mean, 95 %, by bootstrap_mean_interval()
};

/// Statistics of the returns and lengths of some episodes.
struct EvaluationStatistics {
  int episodes = 0;               ///< how many episodes there were
  std::uint64_t seed = 0;         ///< EvaluationRequest::seed
  bool greedy = false;            ///< EvaluationRequest::greedy
  double mean = 0;                ///< of the episodes' returns
  double standard_deviation = 0;  ///< of the episodes' returns, with n - 1; 0 for one episode
  double standard_error = 0;      ///< of the mean
  Interval mean_interval;         ///< of the mean, 95 %, by bootstrap_mean_interval()
  double q25 = 0;                 ///< first quartile of the returns
  double median = 0;              ///< median of the returns
  double q75 = 0;                 ///< third quartile of the returns
  double min = 0;                 ///< lowest return
  double max = 0;                 ///< highest return
  double mean_length = 0;         ///< steps of an episode
  double truncated_share = 0;     ///< share of the episodes that a time limit ended
  /// The environment's reward threshold; empty when the environment has none.
  std::optional<double> threshold;
  /// Share of the episodes whose return reaches the threshold.
  std::optional<double> threshold_share;
  std::vector<MetricStatistics> metrics;  ///< in the order of EnvironmentSpec::metrics
};

/// The statistics of these episodes. A `threshold` that is NaN counts as none. `metrics` names each
/// episode's metrics; without names there are no statistics of them. Throws ArgumentError when there are no
/// episodes, or when an episode has another number of metrics than there are names.
EvaluationStatistics statistics_of(std::span<const EpisodeResult> episodes, double threshold,
                                   std::span<const std::string> metrics = {});

/// Plays episodes with the trainer's present weights, without learning, and returns their statistics. When
/// `played` is given it receives the episodes in their order. Throws as CoreOrchestrator::evaluate().
EvaluationStatistics evaluate(CoreOrchestrator& trainer, const EvaluationRequest& request,
                              std::vector<EpisodeResult>* played = nullptr);

/// The interval as people read it, with the digits that its width leaves: "250.9 to 271.0".
std::string interval_text(const Interval& interval);

/// What most people want to know: "mean return 261.2 over 100 episodes, 95 % interval 250.9 to 271.0".
std::string mean_text(const EvaluationStatistics& statistics);

}  // namespace run
}  // namespace genkidama
