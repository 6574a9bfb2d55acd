#include "genkidama/params/robust_mean.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

using Weights = std::vector<float>;
using Spans = std::vector<std::span<const float>>;

/// More than a block of the implementation, and no multiple of it.
constexpr std::size_t kSize = 600;

std::vector<Weights> random_votes(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Weights> votes(count, Weights(kSize));
  for (Weights& vote : votes) {
    // Few different values, so that there are ties.
    for (float& value : vote) value = static_cast<float>(std::floor(random.uniform(-4, 4)) / 4);
  }
  return votes;
}

Spans spans_of(const std::vector<Weights>& votes) {
  return {votes.begin(), votes.end()};
}

/// One coordinate after the other.
Weights plain_middle(const std::vector<Weights>& votes, std::size_t cut) {
  Weights result(votes.front().size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    std::vector<double> values;
    for (const Weights& vote : votes) values.push_back(static_cast<double>(vote[i]));
    std::sort(values.begin(), values.end());
    double sum = 0;
    for (std::size_t k = cut; k + cut < values.size(); ++k) sum += values[k];
    result[i] = static_cast<float>(sum / static_cast<double>(values.size() - 2 * cut));
  }
  return result;
}

double plain_distance(const Weights& a, const Weights& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

TEST_CASE("median and trimmed mean are those of each coordinate, for few and many votes") {
  for (const std::size_t count : {1U, 2U, 3U, 4U, 7U, 8U, 32U, 33U, 50U}) {
    CAPTURE(count);
    const auto votes = random_votes(count, count);
    Weights result(kSize);
    coordinate_median(spans_of(votes), result);
    CHECK(result == plain_middle(votes, (count - 1) / 2));
    for (const std::size_t cut : {0U, 1U, 3U, 100U}) {
      CAPTURE(cut);
      trimmed_mean(spans_of(votes), cut, result);
      CHECK(result == plain_middle(votes, std::min<std::size_t>(cut, (count - 1) / 2)));
    }
  }
}

TEST_CASE("the median of an even number is the mean of the two in the middle") {
  const std::vector<Weights> votes = {{1, -5}, {2, 0}, {4, 3}, {100, 0}};
  Weights result(2);
  coordinate_median(spans_of(votes), result);
  CHECK(result == Weights{3, 0});
  CHECK(median_of({3, 1}) == 2);
  CHECK(median_of({9, 1, 2}) == 2);
}

TEST_CASE("a Krum score is the sum of squared distances to the nearest others") {
  const auto votes = random_votes(9, 3);
  for (const std::uint64_t attackers : {0U, 1U, 2U, 3U, 8U, 1000U}) {
    CAPTURE(attackers);
    const auto scores = krum_scores(spans_of(votes), attackers);
    REQUIRE(scores.size() == votes.size());
    const int near = std::max(1, 9 - static_cast<int>(attackers) - 2);
    for (std::size_t a = 0; a < votes.size(); ++a) {
      std::vector<double> distances;
      for (std::size_t b = 0; b < votes.size(); ++b) {
        if (b != a) distances.push_back(plain_distance(votes[a], votes[b]));
      }
      std::sort(distances.begin(), distances.end());
      double sum = 0;
      for (int i = 0; i < near; ++i) sum += distances[static_cast<std::size_t>(i)];
      CHECK(scores[a] == Approx(sum));
    }
  }
}

TEST_CASE("Krum takes a vote from where most votes are, and multi-Krum the mean of the best") {
  const std::vector<Weights> votes = {{-9, 9},        {1, 1},     {1.5F, 1}, {1, 1.5F},
                                      {1.25F, 1.25F}, {1, 1.25F}, {50, 50}};
  const auto order = krum_order(spans_of(votes), 2);
  REQUIRE(order.size() == 7);
  CHECK(std::vector<std::size_t>(order.end() - 2, order.end()) == std::vector<std::size_t>{0, 6});
  Weights result(2);
  krum(spans_of(votes), 2, result);
  CHECK(result == votes[order.front()]);
  multi_krum(spans_of(votes), 2, result);
  CHECK(result == plain_middle({votes.begin() + 1, votes.begin() + 6}, 0));
}

TEST_CASE("of equal Krum scores the first vote is the best") {
  const std::vector<Weights> votes = {{0, 0}, {2, 0}, {0, 2}, {2, 2}};
  CHECK(krum_order(spans_of(votes), 1) == std::vector<std::size_t>{0, 1, 2, 3});
  Weights result(2);
  krum(spans_of(votes), 1, result);
  CHECK(result == Weights{0, 0});
  // More attackers than votes leave one.
  multi_krum(spans_of(votes), 9, result);
  CHECK(result == Weights{0, 0});
}

TEST_CASE("one vote is the result of every rule, bit for bit") {
  const auto votes = random_votes(1, 5);
  Weights result(kSize);
  coordinate_median(spans_of(votes), result);
  CHECK(result == votes[0]);
  trimmed_mean(spans_of(votes), 4, result);
  CHECK(result == votes[0]);
  krum(spans_of(votes), 1, result);
  CHECK(result == votes[0]);
  multi_krum(spans_of(votes), 1, result);
  CHECK(result == votes[0]);
  CHECK(krum_scores(spans_of(votes), 0) == std::vector<double>{0});
}

TEST_CASE("votes of other sizes, and none at all, are refused") {
  const std::vector<Weights> votes = {{1, 2}, {1}};
  Weights result(2);
  CHECK_THROWS_WITH(coordinate_median(spans_of(votes), result), Contains("1 elements and the result 2"));
  CHECK_THROWS_AS(trimmed_mean(spans_of(votes), 0, result), ArgumentError);
  CHECK_THROWS_AS(krum(spans_of(votes), 0, result), ArgumentError);
  CHECK_THROWS_AS(multi_krum(spans_of(votes), 0, result), ArgumentError);
  CHECK_THROWS_WITH(coordinate_median({}, result), Contains("there are no votes"));
  CHECK_THROWS_AS(krum_scores({}, 1), ArgumentError);
}
