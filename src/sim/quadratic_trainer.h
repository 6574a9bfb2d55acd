#pragma once

// A task that costs next to nothing and whose best weights are known: f(w) = mean of h_i w_i^2 / 2, with
// noisy gradients. For simulations of more machines than could learn a real task.

#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/params/local_trainer.h"

namespace genkidama::sim {

struct QuadraticOptions {
  std::size_t weights = 1000;  ///< >= 1
  std::uint64_t steps = 16;    ///< of gradient descent in a round, >= 1; each counts as an environment step
  double learning_rate = 0.01;
  double noise = 1;  ///< the deviation of each component of a gradient
};

/// Begins at w = (1, ..., 1). The curvatures h go from 0.01 to 1, equally far apart in logarithm. A round
/// makes all steps w -= rate (h w + noise z) at once: their sum has the same mean and variance as one after
/// the other.
class QuadraticTrainer final : public LocalTrainer {
 public:
  QuadraticTrainer(const QuadraticOptions& options, std::uint64_t seed);

  const ParameterLayout& layout() const override { return layout_; }
  RoundReport train_round() override;
  void read_weights(std::span<float> out) const override;
  void write_weights(std::span<const float> in) override;

  /// f at these weights.
  static double value(std::span<const float> weights);

 private:
  QuadraticOptions options_;
  ParameterLayout layout_;
  std::vector<float> weights_;
  std::vector<float> kept_;   // what a round leaves of each weight
  std::vector<float> noise_;  // the deviation of what a round adds to each
  Random random_;
};

}  // namespace genkidama::sim
