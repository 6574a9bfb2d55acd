#pragma once

// Actions drawn from a squashed normal distribution so that a gradient goes back through them (Haarnoja et
// al. 2018, "Soft Actor-Critic Algorithms and Applications", section 4.2 and appendix C).

#include <cstddef>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "rl/behaviour/gaussian_units.h"

namespace genkidama {

/// Rows of actions a = tanh(mean + deviation noise) in [-1, 1], and their log-probabilities.
class SquashedSample {
 public:
  /// `units` is that of the behaviour, and outlives the object. Rows of outputs have `row` floats, the means
  /// and then the log-deviations first.
  SquashedSample(const GaussianUnits& units, std::size_t row) : units_(units), row_(row) {}

  /// Draws one action for each row of `outputs` [n, row].
  void draw(std::span<const float> outputs, Random& random);

  /// [n, action width]
  std::span<const float> actions() const { return actions_; }
  /// [n]
  std::span<const float> log_probabilities() const { return log_probabilities_; }
  /// The mean deviation before it was squashed.
  double deviation() const { return deviation_; }

  /// Fills the rows' first floats of `by_outputs` [n, row] with the derivatives of a loss, given those by the
  /// actions of the latest draw() and by each of their log-probabilities.
  void backward(std::span<const float> by_actions, float by_log_probability,
                std::span<float> by_outputs) const;

 private:
  const GaussianUnits& units_;
  std::size_t row_;
  std::vector<float> actions_, log_probabilities_;
  std::vector<float> spread_;    ///< deviation times noise, of each number of an action
  std::vector<bool> is_within_;  ///< whether a deviation changes with its output
  double deviation_ = 0;
};

}  // namespace genkidama
