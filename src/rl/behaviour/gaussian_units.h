#pragma once

// What gaussian() and gaussian_distribution() share: the deviation of a component, and its way from what was
// sampled to what the environment is given.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "genkidama/env/action_space.h"
#include "genkidama/rl/behaviour.h"

namespace genkidama {

/// Beyond these a log-deviation counts as one of them, so that the deviation and its square are normal
/// floats.
inline constexpr double kLeastLogDeviation = -20, kMostLogDeviation = 20;

/// log(1 - tanh(u)^2), the logarithm of the slope of tanh, without cancellation.
inline double log_tanh_slope(double u) {
  const double size = std::abs(u);
  return 2 * (std::log(2.0) - size - std::log1p(std::exp(-2 * size)));
}

/// Whether every number of an action is continuous and has finite bounds.
bool is_bounded_box(const ActionSpace& space);

class GaussianUnits {
 public:
  struct Component {
    float low, high;
    double centre, half_range;  ///< a component that is learnt in the environment's own unit has 0 and 1
  };

  /// Throws ArgumentError where the options need finite bounds and the space has others.
  GaussianUnits(const ActionSpace& space, const GaussianOptions& options);

  /// Number of components.
  std::size_t size() const { return components_.size(); }
  bool squashes() const { return squashes_; }
  const std::vector<Component>& components() const { return components_; }
  /// What is added to an output to give a log-deviation.
  double log_deviation_offset() const { return offset_; }

  /// The log-deviation that an output stands for.
  double log_deviation(float output) const {
    return std::clamp(offset_ + output, kLeastLogDeviation, kMostLogDeviation);
  }
  /// Whether the log-deviation changes with the output.
  bool is_within_limits(float output) const {
    const double value = offset_ + output;
    return value >= kLeastLogDeviation && value <= kMostLogDeviation;
  }

  /// The environment's value of a component in [-1, 1], of a space that is a bounded box.
  float to_unit(std::size_t i, float action) const {
    const Component& component = components_[i];
    // A component whose bounds are equal has one value only.
    if (!(component.half_range > 0)) return 0;
    const double unit = (action - component.centre) / component.half_range;
    return static_cast<float>(std::clamp(unit, -1.0, 1.0));
  }
  /// What is to be sampled so that the environment is given `action`. Bounds that are squashed to are reached
  /// by no sample: a value beyond 0.99 of them is taken for that.
  float to_chosen(std::size_t i, float action) const {
    const Component& component = components_[i];
    const double unit = (action - component.centre) / component.half_range;
    constexpr double kMost = 0.99;
    return static_cast<float>(squashes_ ? std::atanh(std::clamp(unit, -kMost, kMost)) : unit);
  }
  /// What the environment is given for a component that was sampled.
  float to_environment(std::size_t i, float chosen) const {
    const Component& component = components_[i];
    const double unit = squashes_ ? std::tanh(static_cast<double>(chosen)) : chosen;
    const auto value = static_cast<float>(component.centre + component.half_range * unit);
    return std::clamp(value, component.low, component.high);
  }

 private:
  std::vector<Component> components_;
  bool squashes_;
  double offset_;  ///< of log-deviations
};

}  // namespace genkidama
