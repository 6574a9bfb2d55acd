#pragma once

/// @file
/// How far the evaluations of a run have come, as its state keeps it.

#include <cstdint>
#include <optional>

namespace genkidama::run {

struct EvaluationProgress {
  std::optional<double> best_mean;        ///< the best mean return so far
  std::uint64_t without_improvement = 0;  ///< evaluations since
  /// The lowest mean return of 20 training episodes in a row (RunEvaluator::is_due()).
  std::optional<double> lowest_training_mean;
};

}  // namespace genkidama::run
