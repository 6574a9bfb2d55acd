#include "genkidama/rl/vtrace.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace genkidama {

void vtrace(std::span<const float> rewards, std::span<const float> values, std::span<const float> log_ratios,
            float bootstrap, const VtraceOptions& options, std::span<float> targets,
            std::span<float> advantages) {
  double next_value = bootstrap, next_target = bootstrap;
  for (std::size_t i = rewards.size(); i-- > 0;) {
    const double ratio = std::exp(static_cast<double>(log_ratios[i]));
    const double rho = std::min(options.rho, ratio);
    const double c = options.lambda * std::min(options.c, ratio);
    const double error = rho * (rewards[i] + options.gamma * next_value - values[i]);
    const double target = values[i] + error + options.gamma * c * (next_target - next_value);
    advantages[i] = static_cast<float>(rho * (rewards[i] + options.gamma * next_target - values[i]));
    targets[i] = static_cast<float>(target);
    next_value = values[i];
    next_target = target;
  }
}

}  // namespace genkidama
