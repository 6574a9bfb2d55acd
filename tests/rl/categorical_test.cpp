#include <algorithm>
#include <cmath>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/rl/behaviour.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

struct Draw {
  std::size_t choice = 0;
  float log_probability = 0;
};

Draw draw(const Behaviour& behaviour, const std::vector<float>& logits, Acting acting, Random& random) {
  std::vector<float> action(1);
  Draw result;
  behaviour.act(logits, {}, acting, random, action, result.log_probability);
  result.choice = static_cast<std::size_t>(action[0]);
  if (action[0] != static_cast<float>(result.choice) || result.choice >= logits.size()) {
    FAIL("action " << action[0] << " is no choice");
  }
  return result;
}

std::vector<double> softmax(const std::vector<float>& logits) {
  double total = 0;
  for (const float l : logits) total += std::exp(static_cast<double>(l));
  std::vector<double> shares;
  for (const float l : logits) shares.push_back(std::exp(static_cast<double>(l)) / total);
  return shares;
}

/// Pearson's statistic of `draws` actions against their expected shares, and that each action's reported
/// log-probability is that of its share.
double chi_square(const std::vector<float>& logits, double epsilon, Acting acting,
                  const std::vector<double>& shares, int draws) {
  const auto behaviour = categorical(epsilon);
  Random random(1);
  std::vector<double> counts(logits.size(), 0);
  double largest_error = 0;
  for (int i = 0; i < draws; ++i) {
    const Draw one = draw(*behaviour, logits, acting, random);
    ++counts[one.choice];
    largest_error = std::max(largest_error, std::abs(one.log_probability - std::log(shares[one.choice])));
  }
  CHECK(largest_error < 1e-5);
  double sum = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const double expected = shares[k] * draws;
    sum += (counts[k] - expected) * (counts[k] - expected) / expected;
  }
  return sum;
}

}  // namespace

TEST_CASE("sampled actions follow the softmax of the logits, and report its log-probabilities") {
  // The 0.999 quantiles of chi-square with 2 and with 19 degrees of freedom.
  const std::vector<float> three{0.0f, std::log(2.0f), std::log(5.0f)};
  REQUIRE(softmax(three)[2] == Approx(0.625));
  CHECK(chi_square(three, 0, Acting::kExploring, softmax(three), 100'000) < 13.8);
  // Without exploration epsilon does not count.
  CHECK(chi_square(three, 0.5, Acting::kSampling, softmax(three), 100'000) < 13.8);
  std::vector<float> twenty;
  for (int i = 0; i < 20; ++i) twenty.push_back(static_cast<float>(std::sin(i)));
  CHECK(chi_square(twenty, 0, Acting::kExploring, softmax(twenty), 100'000) < 43.8);
}

TEST_CASE("epsilon mixes the softmax with all actions alike, and so does the log-probability") {
  for (const double epsilon : {0.01, 0.2, 1.0}) {
    const std::vector<float> logits{1.0f, 0.0f, -2.0f};
    std::vector<double> shares = softmax(logits);
    for (double& share : shares) share = (1 - epsilon) * share + epsilon / 3;
    CHECK(chi_square(logits, epsilon, Acting::kExploring, shares, 100'000) < 13.8);
  }
}

TEST_CASE("correlated choices repeat themselves, and each alone follows the softmax") {
  constexpr double kCorrelation = 0.7;
  const std::vector<float> logits{0.0f, std::log(2.0f), std::log(5.0f)};
  const std::vector<double> shares = softmax(logits);
  const auto behaviour = categorical(0, kCorrelation);
  Random random(2);
  constexpr int kEpisodes = 50'000;
  std::vector<double> counts(3, 0);
  double repeats = 0, repeats_over_the_border = 0;
  std::size_t last = 0;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    behaviour->start_episode();
    const std::size_t first = draw(*behaviour, logits, Acting::kExploring, random).choice;
    if (first == last) repeats_over_the_border += 1;
    const std::size_t second = draw(*behaviour, logits, Acting::kExploring, random).choice;
    if (second == first) repeats += 1;
    last = draw(*behaviour, logits, Acting::kExploring, random).choice;
    ++counts[last];
  }
  double sum = 0, alike = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    const double expected = shares[k] * kEpisodes;
    sum += (counts[k] - expected) * (counts[k] - expected) / expected;
    alike += shares[k] * shares[k];
  }
  CHECK(sum < 13.8);
  CHECK(repeats / kEpisodes == Approx(kCorrelation + (1 - kCorrelation) * alike).margin(0.01));
  CHECK(repeats_over_the_border / kEpisodes == Approx(alike).margin(0.01));

  Random one(3), other(3);  // evaluations do not keep to anything
  const auto plain = categorical();
  for (int i = 0; i < 50; ++i) {
    REQUIRE(draw(*behaviour, logits, Acting::kSampling, one).choice ==
            draw(*plain, logits, Acting::kSampling, other).choice);
  }
  CHECK_THROWS_AS(categorical(0, 1), ArgumentError);
  CHECK_THROWS_AS(categorical(0, -0.1), ArgumentError);
}

TEST_CASE("very large logits neither overflow nor bias the choice") {
  const auto behaviour = categorical();
  Random random(1);
  const std::vector<float> logits{5000.0f, 5000.0f, -5000.0f};
  int first = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Draw one = draw(*behaviour, logits, Acting::kSampling, random);
    REQUIRE(one.choice != 2);
    REQUIRE(one.log_probability == Approx(std::log(0.5)));
    if (one.choice == 0) ++first;
  }
  REQUIRE(first / 10'000.0 == Approx(0.5).margin(0.03));
}

TEST_CASE("the greedy action is the likeliest, the first of equals, and draws no random number") {
  const auto behaviour = categorical(1);
  Random random(1), untouched(1);
  REQUIRE(draw(*behaviour, {1, 3, 2}, Acting::kGreedy, random).choice == 1);
  REQUIRE(draw(*behaviour, {3, 3, 2}, Acting::kGreedy, random).choice == 0);
  REQUIRE(draw(*behaviour, {3, 3, 2}, Acting::kGreedy, random).log_probability == 0);
  REQUIRE(random() == untouched());
}
