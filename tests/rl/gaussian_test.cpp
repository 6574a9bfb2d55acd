#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/rl/behaviour.h"
#include "genkidama/rl/hyperparameters.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

ActionSpace box(std::vector<float> low, std::vector<float> high) {
  return {.choices = {}, .low = std::move(low), .high = std::move(high)};
}

double normal_log_density(double x, double mean, double log_deviation) {
  const double z = (x - mean) / std::exp(log_deviation);
  return -z * z / 2 - log_deviation - std::log(2 * std::numbers::pi) / 2;
}

/// The largest distance between the samples' distribution function and that of a normal distribution, times
/// the root of their number (Kolmogorov and Smirnov).
double distance_from_normal(std::vector<double> samples, double mean, double deviation) {
  std::sort(samples.begin(), samples.end());
  const auto n = static_cast<double>(samples.size());
  double largest = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double p = std::erfc(-(samples[i] - mean) / (deviation * std::numbers::sqrt2)) / 2;
    const auto rank = static_cast<double>(i);
    largest = std::max({largest, std::abs(p - rank / n), std::abs(p - (rank + 1) / n)});
  }
  return largest * std::sqrt(n);
}

struct Drawn {
  std::vector<float> chosen;
  std::vector<float> action;
  float log_probability = 0;
};

Drawn draw(const Behaviour& behaviour, const std::vector<float>& outputs, Acting acting, Random& random) {
  Drawn result{std::vector<float>(outputs.size() / 2), std::vector<float>(outputs.size() / 2)};
  behaviour.act(outputs, {}, acting, random, result.chosen, result.log_probability);
  behaviour.to_environment(result.chosen, result.action);
  return result;
}

/// Of the loss sum_t by_log_probability[t] log p_t + by_entropy H_t, by the outputs.
void check_gradient(const ActionSpace& space, const GaussianOptions& options) {
  Random random(5);
  const std::size_t width = space.low.size(), rows = 6;
  std::vector<float> outputs(rows * 2 * width), chosen(rows * width), by_log_probability(rows);
  for (float& output : outputs) output = static_cast<float>(random.uniform(-1, 1));
  for (float& value : chosen) value = static_cast<float>(random.uniform(-1.5, 1.5));
  for (float& value : by_log_probability) value = static_cast<float>(random.uniform(-1, 1));
  constexpr float kByEntropy = -0.7f;
  const auto distribution = gaussian_distribution(space, options);
  std::vector<float> log_probabilities(rows), gradient(outputs.size());
  const auto loss = [&] {
    distribution->evaluate(outputs, {}, chosen, log_probabilities);
    std::vector<float> ignored(outputs.size());
    double total = kByEntropy * static_cast<double>(rows) *
                   distribution->backward(by_log_probability, kByEntropy, ignored);
    for (std::size_t t = 0; t < rows; ++t) total += by_log_probability[t] * log_probabilities[t];
    return total;
  };
  loss();
  distribution->backward(by_log_probability, kByEntropy, gradient);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const float kept = outputs[i];
    const auto slope = [&](float step) {
      outputs[i] = kept + step;
      const double above = loss();
      outputs[i] = kept - step;
      const double below = loss();
      outputs[i] = kept;
      return (above - below) / (2 * step);
    };
    const double expected = (4 * slope(0.01f) - slope(0.02f)) / 3;
    CAPTURE(i);
    REQUIRE(gradient[i] == Approx(expected).margin(2e-3).epsilon(2e-3));
  }
}

}  // namespace

TEST_CASE("Gaussian components follow the normal distribution of their mean and deviation") {
  const auto behaviour = gaussian(box({-1, -2}, {1, 2}));
  const std::vector<float> outputs{0.3f, -2, std::log(0.5f), std::log(3.0f)};
  Random random(7);
  std::vector<double> first, second, products;
  for (int i = 0; i < 100'000; ++i) {
    const Drawn drawn =
        draw(*behaviour, outputs, i % 2 == 0 ? Acting::kExploring : Acting::kSampling, random);
    first.push_back(drawn.chosen[0]);
    second.push_back(drawn.chosen[1]);
    products.push_back((drawn.chosen[0] - 0.3) / 0.5 * (drawn.chosen[1] + 2) / 3);
  }
  // The 0.999 quantile of Kolmogorov's distribution.
  CHECK(distance_from_normal(first, 0.3f, 0.5) < 1.95);
  CHECK(distance_from_normal(second, -2, 3) < 1.95);
  CHECK(distance_from_normal(first, 0.32, 0.5) > 1.95);  // the test can tell
  double sum = 0;
  for (const double product : products) sum += product;
  CHECK(std::abs(sum / std::sqrt(100'000.0)) < 3.3);  // the components are independent
}

TEST_CASE("Gaussian log-probabilities are those of the closed form, played and learnt") {
  for (const ActionBounds bounds : {ActionBounds::kClip, ActionBounds::kTanh}) {
    for (const bool state : {false, true}) {
      const GaussianOptions options{
          .initial_log_deviation = -0.5, .state_dependent_deviation = state, .action_bounds = bounds};
      const ActionSpace space = box({-1, 0}, {1, 10});
      const auto behaviour = gaussian(space, options);
      const auto distribution = gaussian_distribution(space, options);
      Random random(3);
      const std::vector<float> outputs{0.2f, -1, 0.1f, -0.3f};
      const double offset = state ? -0.5 : 0;
      for (int i = 0; i < 200; ++i) {
        const Drawn drawn = draw(*behaviour, outputs, Acting::kExploring, random);
        double expected = 0;
        for (std::size_t k = 0; k < 2; ++k) {
          const double u = drawn.chosen[k];
          expected += normal_log_density(u, outputs[k], offset + outputs[k + 2]);
          if (bounds == ActionBounds::kTanh) expected -= std::log(1 - std::tanh(u) * std::tanh(u));
        }
        std::vector<float> learnt(1);
        distribution->evaluate(outputs, {}, drawn.chosen, learnt);
        REQUIRE(drawn.log_probability == Approx(expected).margin(1e-4));
        REQUIRE(learnt[0] == Approx(expected).margin(1e-4));
      }
    }
  }
}

TEST_CASE("correlated noise follows from the step before, and each step alone looks as without it") {
  constexpr double kCorrelation = 0.8;
  const auto behaviour = gaussian(box({-1, -2}, {1, 2}), {.noise_correlation = kCorrelation});
  const std::vector<float> outputs{0.3f, -2, std::log(0.5f), std::log(3.0f)};
  Random random(11);
  std::vector<double> first, tenth;
  double products = 0, across = 0, over_the_border = 0;
  constexpr int kEpisodes = 20'000, kLength = 10;
  double last = 0;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    behaviour->start_episode();
    double before = 0;
    for (int t = 0; t < kLength; ++t) {
      const Drawn drawn = draw(*behaviour, outputs, Acting::kExploring, random);
      const double noise = (drawn.chosen[0] - 0.3) / 0.5, other = (drawn.chosen[1] + 2) / 3.0;
      REQUIRE(drawn.log_probability == Approx(normal_log_density(drawn.chosen[0], 0.3, std::log(0.5)) +
                                              normal_log_density(drawn.chosen[1], -2, std::log(3.0)))
                                           .margin(1e-4));
      if (t == 0) over_the_border += noise * last;
      if (t == 0) first.push_back(noise);
      if (t == kLength - 1) tenth.push_back(noise);
      if (t > 0) products += noise * before;
      across += noise * other;
      before = last = noise;
    }
  }
  CHECK(distance_from_normal(first, 0, 1) < 1.95);
  CHECK(distance_from_normal(tenth, 0, 1) < 1.95);
  CHECK(products / (kEpisodes * (kLength - 1)) == Approx(kCorrelation).margin(0.02));
  CHECK(std::abs(across / (kEpisodes * kLength)) < 0.03);
  CHECK(std::abs(over_the_border / kEpisodes) < 0.03);  // an episode remembers nothing of the one before
}

TEST_CASE("noise is correlated while experience is collected, and at no other time") {
  const ActionSpace space = box({-1}, {1});
  const std::vector<float> outputs{0, 0};
  const auto sequence = [&](const GaussianOptions& options, Acting acting) {
    const auto behaviour = gaussian(space, options);
    Random random(3);
    std::vector<float> chosen;
    for (int i = 0; i < 20; ++i) chosen.push_back(draw(*behaviour, outputs, acting, random).chosen[0]);
    return chosen;
  };
  const GaussianOptions correlated{.noise_correlation = 0.9};
  CHECK(sequence(correlated, Acting::kSampling) == sequence({}, Acting::kSampling));
  CHECK(sequence(correlated, Acting::kGreedy) == sequence({}, Acting::kGreedy));
  CHECK(sequence(correlated, Acting::kExploring) != sequence({}, Acting::kExploring));
  CHECK(sequence({}, Acting::kExploring) == sequence({}, Acting::kSampling));
}

TEST_CASE("bounded components are learnt in [-1, 1] and clipped, others in the environment's unit") {
  const auto behaviour = gaussian(box({-2, 0, -kInfinity, -1, -kInfinity}, {2, 10, kInfinity, kInfinity, 3}));
  const std::vector<float> chosen{0.5f, -0.5f, 42, -7, 8};
  std::vector<float> action(5);
  behaviour->to_environment(chosen, action);
  CHECK(action == std::vector<float>{1, 2.5f, 42, -1, 3});
  behaviour->to_environment(std::vector<float>{9, -9, -42, 7, -8}, action);
  CHECK(action == std::vector<float>{2, 0, -42, 7, -8});
}

TEST_CASE("squashed components stay within their bounds, wherever the sample lies") {
  const ActionSpace space = box({-2, 0.1f}, {2, 0.3f});
  const auto behaviour = gaussian(space, {.action_bounds = ActionBounds::kTanh});
  std::vector<float> action(2);
  behaviour->to_environment(std::vector<float>{0.5f, 0}, action);
  CHECK(action[0] == Approx(2 * std::tanh(0.5)));
  CHECK(action[1] == Approx(0.2));
  for (const float far : {1e3f, -1e3f, 1e38f, -1e38f}) {
    behaviour->to_environment(std::vector<float>{far, far}, action);
    CHECK_NOTHROW(check_action("test", space, action));
    CHECK(action[0] == (far > 0 ? 2 : -2));
  }
}

TEST_CASE("the greedy action is the mean, and draws no random number") {
  for (const ActionBounds bounds : {ActionBounds::kClip, ActionBounds::kTanh}) {
    const auto behaviour = gaussian(box({-2}, {2}), {.action_bounds = bounds});
    Random random(1), untouched(1);
    const Drawn drawn = draw(*behaviour, {0.25f, 1}, Acting::kGreedy, random);
    CHECK(drawn.chosen[0] == 0.25f);
    CHECK(drawn.action[0] == Approx(bounds == ActionBounds::kTanh ? 2 * std::tanh(0.25) : 0.5));
    CHECK(drawn.log_probability == 0);
    CHECK(random() == untouched());
  }
}

TEST_CASE(
    "a Gaussian's gradient by the outputs is that of log-probability and entropy, by finite differences") {
  check_gradient(box({-1}, {1}), {});
  check_gradient(box({-1, -kInfinity, 0}, {1, kInfinity, 3}),
                 {.initial_log_deviation = -1, .state_dependent_deviation = true});
  check_gradient(box({-1, -5}, {1, 5}), {.action_bounds = ActionBounds::kTanh});
  check_gradient(box({-1, -5}, {1, 5}), {.initial_log_deviation = 0.3,
                                         .state_dependent_deviation = true,
                                         .action_bounds = ActionBounds::kTanh});
}

TEST_CASE("a Gaussian's entropy is that of the closed form, a squashed one's that of many samples") {
  const std::vector<float> outputs{0.4f, -0.3f}, chosen{0.1f}, none{0};
  std::vector<float> ignored(2), log_probability(1);
  const auto clipped = gaussian_distribution(box({-1}, {1}));
  clipped->evaluate(outputs, {}, chosen, log_probability);
  CHECK(clipped->backward(none, 0, ignored) ==
        Approx(-0.3 + std::log(2 * std::numbers::pi * std::numbers::e) / 2));
  for (const float log_deviation : {-1.0f, 0.0f, 1.0f}) {
    const std::vector<float> row{0.4f, log_deviation};
    const GaussianOptions options{.action_bounds = ActionBounds::kTanh};
    const auto squashed = gaussian_distribution(box({-1}, {1}), options);
    squashed->evaluate(row, {}, chosen, log_probability);
    const double entropy = squashed->backward(none, 0, ignored);
    const auto behaviour = gaussian(box({-1}, {1}), options);
    Random random(2);
    double sum = 0;
    for (int i = 0; i < 200'000; ++i) sum -= draw(*behaviour, row, Acting::kSampling, random).log_probability;
    CAPTURE(log_deviation);
    CHECK(entropy == Approx(sum / 200'000).margin(0.02));
  }
}

TEST_CASE("log-deviations far out count as the limit, and have no gradient there") {
  const auto distribution = gaussian_distribution(box({-1}, {1}));
  const std::vector<float> chosen{0.5f}, by_log_probability{1};
  for (const float far : {-1000.0f, 1000.0f}) {
    const std::vector<float> outputs{0, far};
    std::vector<float> log_probability(1), gradient(2);
    distribution->evaluate(outputs, {}, chosen, log_probability);
    distribution->backward(by_log_probability, 1, gradient);
    CHECK(std::isfinite(log_probability[0]));
    CHECK(std::isfinite(gradient[0]));
    CHECK(gradient[1] == 0);
  }
}

TEST_CASE("a Gaussian tells the mean of its deviations over the latest batch") {
  const auto distribution = gaussian_distribution(box({-1, 0}, {1, kInfinity}), {});
  const std::vector<float> outputs{0, 0,  std::log(0.5f),  std::log(2.0f),
                                   1, -1, std::log(0.25f), std::log(1.0f)};
  std::vector<float> log_probabilities(2);
  distribution->evaluate(outputs, {}, std::vector<float>{0, 0, 1, 1}, log_probabilities);
  CHECK(distribution->deviation() == Approx((0.5 + 2 + 0.25 + 1) / 4));
  log_probabilities.resize(1);
  distribution->evaluate(std::span(outputs).first(4), {}, std::vector<float>{0, 0}, log_probabilities);
  CHECK(distribution->deviation() == Approx(1.25));
}

TEST_CASE("bounds that tanh cannot use and deviations out of range are refused with what was expected") {
  const GaussianOptions tanh{.action_bounds = ActionBounds::kTanh};
  for (const auto& [low, high] : {std::pair(-kInfinity, kInfinity), std::pair(0.0f, kInfinity)}) {
    CHECK_THROWS_AS(gaussian(box({-1, low}, {1, high}), tanh), ArgumentError);
    CHECK_THROWS_WITH(gaussian_distribution(box({-1, low}, {1, high}), tanh),
                      Contains("component 1") && Contains("inf") && Contains("finite") && Contains("'tanh'"));
  }
  for (const double bad : {-20.5, 21.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_WITH(gaussian(box({-1}, {1}), {.initial_log_deviation = bad}),
                      Contains("initial_log_deviation") && Contains("[-20, 20]"));
  }
  for (const double bad : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_WITH(gaussian(box({-1}, {1}), {.noise_correlation = bad}),
                      Contains("noise_correlation") && Contains("[0, 1)"));
    Hyperparameters hyperparameters;
    hyperparameters.noise_correlation = bad;
    CHECK_THROWS_WITH(hyperparameters.check(), Contains("noise_correlation") && Contains("[0, 1)"));
  }
}
