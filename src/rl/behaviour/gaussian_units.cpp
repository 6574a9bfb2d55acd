#include "rl/behaviour/gaussian_units.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "rl/behaviour/noise_correlation.h"

namespace genkidama {

bool is_bounded_box(const ActionSpace& space) {
  if (!space.choices.empty() || space.low.empty()) return false;
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    if (!is_finite(space.low[i]) || !is_finite(space.high[i])) return false;
  }
  return true;
}

GaussianUnits::GaussianUnits(const ActionSpace& space, const GaussianOptions& options)
    : squashes_(options.action_bounds == ActionBounds::kTanh),
      offset_(options.state_dependent_deviation ? options.initial_log_deviation : 0) {
  if (!(std::abs(options.initial_log_deviation) <= kMostLogDeviation)) {
    throw ArgumentError(fmt::format("initial_log_deviation is {}; expected a number in [{}, {}]",
                                    options.initial_log_deviation, kLeastLogDeviation, kMostLogDeviation));
  }
  check_noise_correlation(options.noise_correlation);
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    const float low = space.low[i], high = space.high[i];
    const bool is_bounded = is_finite(low) && is_finite(high);
    if (squashes_ && !is_bounded) {
      throw ArgumentError(fmt::format(
          "component {} of the action has the bounds {} and {}; expected finite ones where action_bounds is "
          "'tanh' ('clip' takes any)",
          i, low, high));
    }
    const double bottom = low, top = high;
    components_.push_back(is_bounded ? Component{low, high, (bottom + top) / 2, (top - bottom) / 2}
                                     : Component{low, high, 0, 1});
  }
}

}  // namespace genkidama
