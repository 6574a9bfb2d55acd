#pragma once

// Demonstrations as behaviour cloning learns from them: normalised, with returns, in two parts.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/params/running_statistics.h"
#include "genkidama/rl/cloning_options.h"
#include "genkidama/rl/demonstrations.h"
#include "genkidama/rl/hyperparameters.h"
#include "rl/normalisation.h"

namespace genkidama {

/// Some rows of demonstrated steps, in columns.
struct StepColumns {
  std::vector<float> observations;  ///< [n, observation size], normalised
  std::vector<float> actions;       ///< [n, action width]
  std::vector<std::uint8_t> masks;  ///< [n, alternatives], or empty
  /// [n], as ImitationBatch has them. The weight of an error is CloningOptions::value_weight over the
  /// variance of all returns that are known.
  std::vector<float> returns, value_weights;

  std::size_t size() const { return returns.size(); }
};

/// Consecutive rows of one episode.
struct StepRange {
  std::size_t first = 0, count = 0;
};

class DemonstratedSteps {
 public:
  /// `demonstrations` outlives it.
  DemonstratedSteps(const Demonstrations& demonstrations, const Hyperparameters& hyperparameters,
                    const CloningOptions& options);

  /// Without components where nothing is normalised.
  const RunningStatistics& statistics() const { return normalisation_.statistics; }
  double mean_return() const { return mean_return_; }
  /// Episodes that are learnt from, and those that are held out.
  const std::vector<StepRange>& learnt() const { return learnt_; }
  const std::vector<StepRange>& held_out() const { return held_out_; }

  /// Replaces what is in `into` by these rows.
  void gather(std::span<const std::size_t> rows, StepColumns& into) const;

 private:
  void compute_statistics(double gamma);
  void compute_returns(const Hyperparameters& hyperparameters, double weight);
  void divide(const CloningOptions& options);

  const Demonstrations& given_;
  Normalisation normalisation_;
  std::size_t observation_size_;
  Normaliser normaliser_;
  std::vector<float> returns_, value_weights_;
  std::vector<StepRange> learnt_, held_out_;
  double mean_return_ = 0;
};

}  // namespace genkidama
