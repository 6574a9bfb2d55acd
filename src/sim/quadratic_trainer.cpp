#include "sim/quadratic_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

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

Quadratic::Quadratic(const QuadraticOptions& options) : steps_(options.steps) {
  check(options);
  layout_ = layout_of(options.weights);
  const auto steps = static_cast<double>(options.steps);
  for (std::size_t i = 0; i < options.weights; ++i) {
    curvatures_.push_back(curvature(i, options.weights));
    const double factor = 1 - options.learning_rate * curvatures_.back();
    const double squares = (1 - std::pow(factor, 2 * steps)) / (1 - factor * factor);
    kept_.push_back(static_cast<float>(std::pow(factor, steps)));
    noise_.push_back(static_cast<float>(options.learning_rate * options.noise * std::sqrt(squares)));
  }
}

double Quadratic::value(std::span<const float> weights) const {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto w = static_cast<double>(weights[i]);
    sum += curvatures_[i] * w * w / 2;
  }
  return sum / static_cast<double>(weights.size());
}

QuadraticTrainer::QuadraticTrainer(std::shared_ptr<const Quadratic> quadratic, std::uint64_t seed)
    : quadratic_(std::move(quadratic)), weights_(quadratic_->layout().size(), 1.0F), random_(seed) {}

// A uniform number of variance 1 for each weight: what a mean of many machines is made of need not be normal
// itself. The bits are MurmurHash3's finalizer of a counter, which needs no state from one weight to the
// next.
RoundReport QuadraticTrainer::train_round() {
  const float scale = std::sqrt(3.0F) / 2147483648.0F;
  const float* const kept = quadratic_->kept().data();
  const float* const noise = quadratic_->noise().data();
  const auto first = static_cast<std::uint32_t>(random_());
  const auto size = static_cast<std::uint32_t>(weights_.size());
  for (std::uint32_t i = 0; i < size; ++i) {
    std::uint32_t bits = first + i * 0x9e3779b9U;
    bits = (bits ^ (bits >> 16)) * 0x85ebca6bU;
    bits = (bits ^ (bits >> 13)) * 0xc2b2ae35U;
    bits ^= bits >> 16;
    weights_[i] =
        kept[i] * weights_[i] + noise[i] * (static_cast<float>(static_cast<std::int32_t>(bits)) * scale);
  }
  RoundReport report;
  report.steps_in_round = quadratic_->steps();
  report.optimizer_steps = quadratic_->steps();
  return report;
}

void QuadraticTrainer::read_weights(std::span<float> out) const {
  std::copy(weights_.begin(), weights_.end(), out.begin());
}

void QuadraticTrainer::write_weights(std::span<const float> in) {
  std::copy(in.begin(), in.end(), weights_.begin());
}

}  // namespace genkidama::sim
