#include "sim/quadratic_trainer.h"

#include <cmath>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::sim;

namespace {

std::vector<float> weights_of(const LocalTrainer& trainer) {
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  return weights;
}

}  // namespace

TEST_CASE("without noise a round is gradient descent, step by step") {
  QuadraticOptions options;
  options.weights = 3;
  options.steps = 5;
  options.learning_rate = 0.1;
  options.noise = 0;
  const auto quadratic = std::make_shared<const Quadratic>(options);
  QuadraticTrainer trainer(quadratic, 1);
  REQUIRE(trainer.train_round().steps_in_round == 5);
  const auto weights = weights_of(trainer);
  const double curvatures[] = {0.01, 0.1, 1};
  double value = 0;
  for (int i = 0; i < 3; ++i) {
    double w = 1;
    for (int step = 0; step < 5; ++step) w -= 0.1 * curvatures[i] * w;
    CHECK(weights[static_cast<std::size_t>(i)] == Approx(w).epsilon(1e-6));
    value += curvatures[i] * w * w / 2 / 3;
  }
  CHECK(quadratic->value(weights) == Approx(value).epsilon(1e-6));
}

TEST_CASE("a round's noise has the mean and the variance of its steps' noise") {
  QuadraticOptions options;
  options.weights = 20'000;
  options.steps = 8;
  options.learning_rate = 0.05;
  options.noise = 2;
  QuadraticTrainer trainer(std::make_shared<const Quadratic>(options), 7);
  std::vector<float> zeros(options.weights, 0.0F);
  trainer.write_weights(zeros);
  trainer.train_round();
  const auto weights = weights_of(trainer);
  // The last weights have curvatures near 1, the first ones near 0.01.
  for (const auto& [begin, h] : {std::pair<std::size_t, double>(0, 0.0112), {19'000, 0.894}}) {
    double mean = 0, square = 0;
    for (std::size_t i = begin; i < begin + 1'000; ++i) {
      mean += static_cast<double>(weights[i]) / 1'000;
      square += static_cast<double>(weights[i]) * static_cast<double>(weights[i]) / 1'000;
    }
    double variance = 0;
    for (int step = 0; step < 8; ++step) variance += std::pow((1 - 0.05 * h), 2 * step) * 0.05 * 0.05 * 4;
    CHECK(mean == Approx(0).margin(4 * std::sqrt(variance / 1'000)));
    CHECK(square == Approx(variance).epsilon(0.15));
  }
}

TEST_CASE("a quadratic without weights, steps or a rate that converges is refused") {
  for (int i = 0; i < 3; ++i) {
    QuadraticOptions options;
    if (i == 0) options.weights = 0;
    if (i == 1) options.steps = 0;
    if (i == 2) options.learning_rate = 2;
    CHECK_THROWS_AS(Quadratic(options), ArgumentError);
  }
}
