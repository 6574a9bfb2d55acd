#pragma once

/// @file
/// What evaluation episodes say about a policy.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "run/evaluation/bootstrap.h"

namespace genkidama::run {

struct EvaluationStatistics {
  int episodes = 0;
  std::uint64_t seed = 0;
  bool greedy = false;
  double mean = 0;
  double standard_deviation = 0;  ///< of the episodes' returns, with n - 1; 0 for one episode
  double standard_error = 0;      ///< of the mean
  Interval mean_interval;         ///< of the mean, 95 %, by bootstrap
  double q25 = 0;
  double median = 0;
  double q75 = 0;
  double min = 0;
  double max = 0;
  double mean_length = 0;
  double truncated_share = 0;             ///< ended by the time limit
  std::optional<double> threshold;        ///< the environment's, if it has one
  std::optional<double> threshold_share;  ///< episodes whose return reaches it
};

/// `episodes` must not be empty. A NaN threshold is none.
EvaluationStatistics statistics_of(std::span<const EpisodeResult> episodes, double threshold);

/// "250.9 to 271.0".
std::string interval_text(const Interval& interval);

/// Plays with the trainer's present weights. `played`, if any, gets the episodes.
EvaluationStatistics run_evaluation(CoreOrchestrator& trainer, const EvaluationRequest& request,
                                    std::vector<EpisodeResult>* played = nullptr);

nlohmann::ordered_json to_json(const EvaluationStatistics& statistics);

}  // namespace genkidama::run
