#include "sim/quadratic_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genkidama/core/error.h"

namespace genkidama::sim {
namespace {

constexpr double kLeastCurvature = 0.01;

double curvature(std::size_t i, std::size_t n) {
  const double share = n > 1 ? static_cast<double>(i) / static_cast<double>(n - 1) : 1;
  return std::pow(kLeastCurvature, 1 - share);
}

ParameterLayout layout_of(std::size_t weights) {
  return ParameterLayout({{"w", {static_cast<std::int64_t>(weights)}}});
}

void check(const QuadraticOptions& options) {
  if (options.weights < 1 || options.steps < 1) {
    throw ArgumentError(
        fmt::format("a quadratic of {} weights with rounds of {} steps; expected at least 1 of both",
                    options.weights, options.steps));
  }
  if (!(options.learning_rate > 0 && options.learning_rate < 2)) {
    throw ArgumentError(
        fmt::format("the quadratic's learning rate is {}; expected one in (0, 2), beyond which "
                    "gradient descent diverges",
                    options.learning_rate));
  }
}

}  // namespace

QuadraticTrainer::QuadraticTrainer(const QuadraticOptions& options, std::uint64_t seed)
    : options_(options), layout_(layout_of(options.weights)), weights_(options.weights, 1.0F), random_(seed) {
  check(options);
  const auto steps = static_cast<double>(options.steps);
  for (std::size_t i = 0; i < options.weights; ++i) {
    const double factor = 1 - options.learning_rate * curvature(i, options.weights);
    const double squares = (1 - std::pow(factor, 2 * steps)) / (1 - factor * factor);
    kept_.push_back(static_cast<float>(std::pow(factor, steps)));
    noise_.push_back(static_cast<float>(options.learning_rate * options.noise * std::sqrt(squares)));
  }
}

// A uniform number of variance 1 for each weight, from 16 bits: four in one draw. What a mean of many
// machines is made of need not be normal itself.
RoundReport QuadraticTrainer::train_round() {
  const float scale = std::sqrt(12.0F) / 65536.0F;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    bits = i % 4 == 0 ? random_() : bits >> 16;
    const float drawn = (static_cast<float>(bits & 0xffff) - 32767.5F) * scale;
    weights_[i] = kept_[i] * weights_[i] + noise_[i] * drawn;
  }
  RoundReport report;
  report.steps_in_round = options_.steps;
  report.optimizer_steps = options_.steps;
  return report;
}

void QuadraticTrainer::read_weights(std::span<float> out) const {
  std::copy(weights_.begin(), weights_.end(), out.begin());
}

void QuadraticTrainer::write_weights(std::span<const float> in) {
  std::copy(in.begin(), in.end(), weights_.begin());
}

double QuadraticTrainer::value(std::span<const float> weights) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto w = static_cast<double>(weights[i]);
    sum += curvature(i, weights.size()) * w * w / 2;
  }
  return sum / static_cast<double>(weights.size());
}

}  // namespace genkidama::sim
