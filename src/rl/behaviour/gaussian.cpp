#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "genkidama/rl/behaviour.h"
#include "rl/behaviour/gaussian_units.h"

namespace genkidama {
namespace {

class Gaussian final : public Behaviour {
 public:
  Gaussian(const ActionSpace& space, const GaussianOptions& options)
      : options_(options),
        units_(space, options),
        innovation_(std::sqrt(1 - options.noise_correlation * options.noise_correlation)) {}

  void start_episode() override { noise_.clear(); }

  void act(std::span<const float> outputs, ActionMask, Acting acting, Random& random, std::span<float> chosen,
           float& log_probability) const override {
    const std::size_t size = units_.size();
    const auto means = outputs.first(size);
    log_probability = 0;
    if (acting == Acting::kGreedy) {
      for (std::size_t i = 0; i < size; ++i) chosen[i] = means[i];
      return;
    }
    const bool correlates = options_.noise_correlation > 0 && acting == Acting::kExploring;
    const bool continues = correlates && !noise_.empty();
    if (correlates) noise_.resize(size);
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double log_deviation = units_.log_deviation(outputs[size + i]);
      const double deviation = std::exp(log_deviation);
      double noise = random.normal();
      if (continues) noise = options_.noise_correlation * noise_[i] + innovation_ * noise;
      if (correlates) noise_[i] = noise;
      chosen[i] = static_cast<float>(means[i] + deviation * noise);
      // Of the number that is kept, not of the one before it was rounded.
      const double distance = (static_cast<double>(chosen[i]) - means[i]) / deviation;
      sum -= distance * distance / 2 + log_deviation + std::log(2 * std::numbers::pi) / 2;
      if (units_.squashes()) sum -= log_tanh_slope(chosen[i]);
    }
    log_probability = static_cast<float>(sum);
  }

  void to_environment(std::span<const float> chosen, std::span<float> action) const override {
    for (std::size_t i = 0; i < units_.size(); ++i) action[i] = units_.to_environment(i, chosen[i]);
  }

  std::string description() const override {
    const std::string text = fmt::format("gaussian {}", action_bounds_name(options_.action_bounds));
    return options_.state_dependent_deviation
               ? fmt::format("{} state {}", text, options_.initial_log_deviation)
               : text;
  }

 private:
  GaussianOptions options_;
  GaussianUnits units_;
  double innovation_;                  ///< share of a step's noise that is new
  mutable std::vector<double> noise_;  ///< of the episode's latest step, in deviations; empty at its start
};

}  // namespace

const char* action_bounds_name(ActionBounds bounds) {
  return bounds == ActionBounds::kTanh ? "tanh" : "clip";
}

std::unique_ptr<Behaviour> gaussian(const ActionSpace& space, const GaussianOptions& options) {
  return std::make_unique<Gaussian>(space, options);
}

}  // namespace genkidama
