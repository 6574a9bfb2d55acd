#include "genkidama/params/weighted_average.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_weights(Random& random, std::size_t size) {
  std::vector<float> weights(size);
  for (float& weight : weights) weight = static_cast<float>(random.uniform(-2.0, 2.0));
  return weights;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace

TEST_CASE("averaging is (1 - weight) into + weight other") {
  std::vector<float> into{1, 2, -4};
  weighted_average(into, std::vector<float>{3, 2, 4}, 0.25);
  REQUIRE(into == std::vector<float>{1.5f, 2.0f, -2.0f});
}

TEST_CASE("one exchange shrinks the difference by (1 - alpha)(1 - beta)") {
  Random random(11);
  for (int trial = 0; trial < 300; ++trial) {
    const auto size = static_cast<std::size_t>(random.below(3000));
    const double alpha = random.uniform(), beta = random.uniform();
    const auto parent = random_weights(random, size), child = random_weights(random, size);
    auto parent_after = parent, child_after = child;
    weighted_average(parent_after, child, alpha);
    weighted_average(child_after, parent_after, beta);
    double worst = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double expected = (1 - alpha) * (1 - beta) * (double{child[i]} - parent[i]);
      worst = std::max(worst, std::abs(double{child_after[i]} - parent_after[i] - expected));
    }
    // A few roundings of numbers below 2 in float32.
    REQUIRE(worst < 2e-6);
  }
}

TEST_CASE("weight 0 changes no bit and weight 1 copies every bit") {
  // Negative zero, the smallest and the largest numbers are where the bare formula would differ.
  const std::vector<float> special{-0.0f, 1e-45f, std::numeric_limits<float>::max(), -1.0f, 0.0f};
  const std::vector<float> other{5.0f, -0.0f, -std::numeric_limits<float>::max(), 1e-45f, -0.0f};
  auto into = special;
  weighted_average(into, other, 0.0);
  REQUIRE(same_bits(into, special));
  weighted_average(into, other, 1.0);
  REQUIRE(same_bits(into, other));
}

TEST_CASE("averaging a set of weights with itself keeps it") {
  Random random(3);
  const auto weights = random_weights(random, 1000);
  for (const double weight : {0.1, 0.5, 0.9}) {
    auto into = weights;
    weighted_average(into, into, weight);
    for (std::size_t i = 0; i < into.size(); ++i) REQUIRE(std::abs(into[i] - weights[i]) < 1e-6f);
  }
}

TEST_CASE("weights that are not finite change nothing, wherever they are") {
  const std::size_t size = 2500;  // more than two of the blocks that are looked at together
  const std::vector<float> before(size, 1.0f);
  for (const float bad : {kNaN, kInfinity, -kInfinity}) {
    for (const std::size_t where : {std::size_t{0}, std::size_t{1023}, std::size_t{1024}, size - 1}) {
      std::vector<float> other(size, 2.0f), into = before;
      other[where] = bad;
      for (const double weight : {0.0, 0.5, 1.0}) {
        REQUIRE_THROWS_AS(weighted_average(into, other, weight), ArgumentError);
        REQUIRE_THROWS_WITH(weighted_average(into, other, weight),
                            Contains("element " + std::to_string(where)));
        REQUIRE(same_bits(into, before));
      }
    }
  }
}

TEST_CASE("other sizes and weights outside [0, 1] change nothing") {
  std::vector<float> into{1, 2};
  REQUIRE_THROWS_WITH(weighted_average(into, std::vector<float>{1}, 0.5), Contains("2 weights with 1"));
  for (const double weight : {-0.001, 1.001, std::nan(""), double{kInfinity}, -double{kInfinity}}) {
    REQUIRE_THROWS_AS(weighted_average(into, std::vector<float>{7, 7}, weight), ArgumentError);
  }
  REQUIRE(into == std::vector<float>{1, 2});
}

TEST_CASE("an average of weights known to be finite is the same, bit by bit") {
  Random random(5);
  for (const std::size_t size : {0, 1, 3, 4, 15, 16, 17, 1000, 2949}) {
    const auto start = random_weights(random, size), other = random_weights(random, size);
    for (const double weight : {0.0, 1e-9, 0.3, 0.9, 1.0}) {
      auto checked = start, unchecked = start;
      weighted_average(checked, other, weight);
      average_finite(unchecked, other, weight);
      REQUIRE(same_bits(checked, unchecked));
    }
  }
  std::vector<float> into{1, 2};
  REQUIRE_THROWS_WITH(average_finite(into, std::vector<float>{1}, 0.5), Contains("2 weights with 1"));
  REQUIRE_THROWS_AS(average_finite(into, into, 1.5), ArgumentError);
}

TEST_CASE("an average with a snapshot keeps what was learnt since") {
  // 0.25 * 8 + 0.75 * 4 = 5, and the step from 8 to 10.
  std::vector<float> local{10, -1};
  average_finite_since(local, std::vector<float>{8, 0}, std::vector<float>{4, 4}, 0.75);
  REQUIRE(local == std::vector<float>{7, 2});

  Random random(6);
  const std::size_t size = 2949;
  const auto snapshot = random_weights(random, size), other = random_weights(random, size);
  auto trained = snapshot;
  for (float& weight : trained) weight += static_cast<float>(random.uniform(-0.1, 0.1));
  for (const double weight : {0.1, 0.5, 1.0}) {
    auto averaged = snapshot;
    weighted_average(averaged, other, weight);
    // Without a step in between it is the average itself.
    auto still = snapshot;
    average_finite_since(still, snapshot, other, weight);
    REQUIRE(same_bits(still, averaged));
    auto moved = trained;
    average_finite_since(moved, snapshot, other, weight);
    for (std::size_t i = 0; i < size; ++i) averaged[i] += trained[i] - snapshot[i];
    REQUIRE(same_bits(moved, averaged));
  }
  auto kept = trained;
  average_finite_since(kept, snapshot, other, 0.0);
  REQUIRE(same_bits(kept, trained));
}

TEST_CASE("an average with a snapshot of another size, or a weight outside [0, 1], changes nothing") {
  std::vector<float> local{1, 2};
  const std::vector<float> one{7}, two{7, 7};
  REQUIRE_THROWS_WITH(average_finite_since(local, one, two, 0.5), Contains("2 weights with 1"));
  REQUIRE_THROWS_WITH(average_finite_since(local, two, one, 0.5), Contains("2 weights with 1"));
  REQUIRE_THROWS_AS(average_finite_since(local, two, two, -0.1), ArgumentError);
  REQUIRE_THROWS_AS(average_finite_since(local, two, two, std::nan("")), ArgumentError);
  REQUIRE(local == std::vector<float>{1, 2});
}

TEST_CASE("the norm is the root of the sum of squares, for every number of values") {
  Random random(8);
  for (std::size_t size = 0; size < 100; ++size) {
    const auto values = random_weights(random, size);
    long double sum = 0;
    for (const float value : values) sum += static_cast<long double>(value) * value;
    REQUIRE(euclidean_norm(values) == Approx(static_cast<double>(std::sqrt(sum))).epsilon(1e-14));
  }
  // A frame's weights may begin at any float.
  const std::vector<float> threes(103, 3.0f);
  for (std::size_t first = 0; first < 4; ++first)
    REQUIRE(euclidean_norm(std::span(threes).subspan(first, 64)) == 24);
  // Exact where the sum is: each value counts once.
  std::vector<float> ones(1000, 1.0f);
  ones[999] = 5;
  REQUIRE(euclidean_norm(ones) == std::sqrt(1024.0));
}

TEST_CASE("the norm is finite exactly when all values are") {
  std::vector<float> values(67, std::numeric_limits<float>::max());
  REQUIRE(std::isfinite(euclidean_norm(values)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (const float bad : {kNaN, kInfinity, -kInfinity}) {
      const float before = std::exchange(values[i], bad);
      REQUIRE_FALSE(std::isfinite(euclidean_norm(values)));
      REQUIRE(first_non_finite(values) == i);
      values[i] = before;
    }
  }
  // Two infinities that would cancel in a sum that is not of squares.
  values[1] = kInfinity;
  values[2] = -kInfinity;
  REQUIRE_FALSE(std::isfinite(euclidean_norm(values)));
}

TEST_CASE("a mixing weight outside [0, 1] is refused by its name") {
  REQUIRE_NOTHROW(check_mixing_weight(0, "alpha"));
  REQUIRE_NOTHROW(check_mixing_weight(1, "alpha"));
  REQUIRE_THROWS_AS(check_mixing_weight(1.5, "alpha"), ArgumentError);
  REQUIRE_THROWS_WITH(check_mixing_weight(1.5, "alpha"), Contains("alpha is 1.5"));
  REQUIRE_THROWS_WITH(check_mixing_weight(std::nan(""), "beta"), Contains("beta is nan"));
}

TEST_CASE("the first value that is not finite is found among others") {
  REQUIRE(first_non_finite({}) == 0);
  std::vector<float> weights(5000, std::numeric_limits<float>::max());
  weights[3] = std::numeric_limits<float>::denorm_min();
  REQUIRE(first_non_finite(weights) == weights.size());
  weights[4999] = kNaN;
  REQUIRE(first_non_finite(weights) == 4999);
  weights[1030] = -kInfinity;
  weights[1029] = kInfinity;
  REQUIRE(first_non_finite(weights) == 1029);
}
