#pragma once

// A task that costs next to nothing and whose best weights are known: f(w) = mean of h_i w_i^2 / 2, with
// noisy gradients. For simulations of more machines than could learn a real task.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"
#include "genkidama/params/local_trainer.h"

// The command line, a library of its own, makes them.
namespace GENKIDAMA_EXPORT genkidama {
namespace sim {

struct QuadraticOptions {
  std::size_t weights = 1000;  ///< >= 1
  std::uint64_t steps = 16;    ///< of gradient descent in a round, >= 1; each counts as an environment step
  double learning_rate = 0.01;
  double noise = 1;  ///< the deviation of each component of a gradient
};

/// What all trainers of one quadratic share: what a round does to each weight. The curvatures h go from 0.01
/// to 1, equally far apart in logarithm. A round makes all steps w -= rate (h w + noise z) at once: their sum
/// has the same mean and variance as one after the other.
class Quadratic {
 public:
  /// Throws ArgumentError for options out of range.
  explicit Quadratic(const QuadraticOptions& options);

  /// f at these weights.
  double value(std::span<const float> weights) const;

  const ParameterLayout& layout() const { return layout_; }
  std::uint64_t steps() const { return steps_; }
  std::span<const float> kept() const { return kept_; }    ///< what a round leaves of each weight
  std::span<const float> noise() const { return noise_; }  ///< the deviation of what a round adds to each

 private:
  ParameterLayout layout_;
  std::uint64_t steps_;
  std::vector<double> curvatures_;
  std::vector<float> kept_, noise_;
};

/// Begins at w = (1, ..., 1).
class QuadraticTrainer final : public LocalTrainer {
 public:
  QuadraticTrainer(std::shared_ptr<const Quadratic> quadratic, std::uint64_t seed);

  const ParameterLayout& layout() const override { return quadratic_->layout(); }
  RoundReport train_round() override;
  void read_weights(std::span<float> out) const override;
  void write_weights(std::span<const float> in) override;

 private:
  std::shared_ptr<const Quadratic> quadratic_;
  std::vector<float> weights_;
  Random random_;
};

}  // namespace sim
}  // namespace genkidama
