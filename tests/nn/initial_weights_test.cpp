#include "nn/initial_weights.h"

#include <cmath>
#include <vector>

#include "support/catch.h"

using namespace genkidama;

namespace {

std::vector<float> orthogonal(std::size_t rows, std::size_t columns, double gain, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> weights(rows * columns);
  fill_orthogonal(weights, rows, columns, gain, random);
  return weights;
}

}  // namespace

TEST_CASE("orthogonal weights: the shorter side's vectors are orthogonal and as long as the gain") {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{64, 8}, {4, 64}, {7, 7}, {1, 5}}) {
    const auto w = orthogonal(rows, columns, 1.5, 3);
    const bool wide = columns > rows;
    const std::size_t vectors = wide ? rows : columns, length = wide ? columns : rows;
    const auto element = [&, columns = columns](std::size_t vector, std::size_t i) -> double {
      return wide ? w[vector * columns + i] : w[i * columns + vector];
    };
    for (std::size_t a = 0; a < vectors; ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        double product = 0;
        for (std::size_t i = 0; i < length; ++i) product += element(a, i) * element(b, i);
        REQUIRE(product == Approx(a == b ? 1.5 * 1.5 : 0).margin(1e-5));
      }
    }
  }
}

TEST_CASE("orthogonal weights prefer no direction and follow from the seed") {
  REQUIRE(orthogonal(5, 3, 1, 1) == orthogonal(5, 3, 1, 1));
  REQUIRE(orthogonal(5, 3, 1, 1) != orthogonal(5, 3, 1, 2));
  // Without the correction of the signs, the first element would be negative for every seed.
  int positive = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) positive += orthogonal(3, 3, 1, seed)[0] > 0 ? 1 : 0;
  REQUIRE(positive > 150);
  REQUIRE(positive < 250);
}

TEST_CASE("normal weights have the deviation they were asked for") {
  Random random(1);
  std::vector<float> weights(20'000);
  fill_normal(weights, 0.1, random);
  double sum = 0, squares = 0;
  for (const float w : weights) {
    sum += w;
    squares += static_cast<double>(w) * w;
  }
  REQUIRE(std::abs(sum / 20'000) < 0.004);
  REQUIRE(std::sqrt(squares / 20'000) == Approx(0.1).epsilon(0.03));
}
