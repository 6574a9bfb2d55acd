#include "rl/algorithms/squashed_sample.h"

#include <cmath>
#include <numbers>

namespace genkidama {

void SquashedSample::draw(std::span<const float> outputs, Random& random) {
  const std::size_t n = outputs.size() / row_, width = units_.size();
  actions_.resize(n * width);
  spread_.resize(n * width);
  is_within_.resize(n * width);
  log_probabilities_.resize(n);
  const double constant = std::log(2 * std::numbers::pi) / 2;
  double deviations = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const float* means = outputs.data() + i * row_;
    double sum = 0;
    for (std::size_t k = 0; k < width; ++k) {
      const double log_deviation = units_.log_deviation(means[width + k]);
      const double deviation = std::exp(log_deviation), noise = random.normal();
      const double chosen = means[k] + deviation * noise;
      sum -= noise * noise / 2 + log_deviation + constant + log_tanh_slope(chosen);
      deviations += deviation;
      actions_[i * width + k] = static_cast<float>(std::tanh(chosen));
      spread_[i * width + k] = static_cast<float>(deviation * noise);
      is_within_[i * width + k] = units_.is_within_limits(means[width + k]);
    }
    log_probabilities_[i] = static_cast<float>(sum);
  }
  deviation_ = deviations / static_cast<double>(n * width);
}

void SquashedSample::backward(std::span<const float> by_actions, float by_log_probability,
                              std::span<float> by_outputs) const {
  const std::size_t width = units_.size();
  for (std::size_t i = 0; i < actions_.size(); ++i) {
    const float action = actions_[i];
    // The log-probability falls by log(1 - a^2), whose derivative by what was squashed is -2 a.
    const float by_chosen = by_actions[i] * (1 - action * action) + by_log_probability * 2 * action;
    float* by_mean = by_outputs.data() + i / width * row_ + i % width;
    by_mean[0] = by_chosen;
    by_mean[width] = is_within_[i] ? by_chosen * spread_[i] - by_log_probability : 0;
  }
}

}  // namespace genkidama
