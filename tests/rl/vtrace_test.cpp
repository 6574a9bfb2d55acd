#include "genkidama/rl/vtrace.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "genkidama/rl/returns.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

struct Steps {
  std::vector<float> rewards, values, log_ratios;
  float bootstrap = 0;
};

Steps random_steps(std::size_t n, std::mt19937& random, bool on_policy) {
  std::normal_distribution<float> normal;
  Steps steps;
  for (std::size_t i = 0; i < n; ++i) {
    steps.rewards.push_back(normal(random));
    steps.values.push_back(normal(random));
    steps.log_ratios.push_back(on_policy ? 0.0f : 0.7f * normal(random));
  }
  steps.bootstrap = normal(random);
  return steps;
}

struct Result {
  std::vector<float> targets, advantages;
};

Result computed(const Steps& steps, const VtraceOptions& options) {
  const std::size_t n = steps.rewards.size();
  Result result{std::vector<float>(n), std::vector<float>(n)};
  vtrace(steps.rewards, steps.values, steps.log_ratios, steps.bootstrap, options, result.targets,
         result.advantages);
  return result;
}

/// The definition, with its sum and products written out:
/// v_s = V_s + sum over t >= s of gamma^(t-s) (product of c_i for s <= i < t) rho_t (r_t + gamma V_{t+1} -
/// V_t).
Result naive(const Steps& steps, const VtraceOptions& options) {
  const std::size_t n = steps.rewards.size();
  const auto value = [&](std::size_t t) { return t < n ? double{steps.values[t]} : double{steps.bootstrap}; };
  const auto ratio = [&](std::size_t t) { return std::exp(double{steps.log_ratios[t]}); };
  std::vector<double> targets(n + 1, steps.bootstrap);
  for (std::size_t s = 0; s < n; ++s) {
    targets[s] = value(s);
    for (std::size_t t = s; t < n; ++t) {
      double weight = std::pow(options.gamma, static_cast<double>(t - s));
      for (std::size_t i = s; i < t; ++i) weight *= options.lambda * std::min(options.c, ratio(i));
      targets[s] += weight * std::min(options.rho, ratio(t)) *
                    (steps.rewards[t] + options.gamma * value(t + 1) - value(t));
    }
  }
  Result result;
  for (std::size_t s = 0; s < n; ++s) {
    result.targets.push_back(static_cast<float>(targets[s]));
    result.advantages.push_back(static_cast<float>(
        std::min(options.rho, ratio(s)) * (steps.rewards[s] + options.gamma * targets[s + 1] - value(s))));
  }
  return result;
}

void check_near(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).epsilon(1e-4).margin(1e-4));
}

}  // namespace

TEST_CASE("V-trace is what its definition says") {
  std::mt19937 random(1);
  for (const double gamma : {0.0, 0.9, 1.0}) {
    for (const double lambda : {0.0, 0.95, 1.0}) {
      for (const double rho : {0.5, 1.0, 10.0}) {
        for (const double c : {0.7, 1.0}) {
          const Steps steps = random_steps(1 + random() % 12, random, false);
          const VtraceOptions options{gamma, lambda, rho, c};
          check_near(computed(steps, options).targets, naive(steps, options).targets);
          check_near(computed(steps, options).advantages, naive(steps, options).advantages);
        }
      }
    }
  }
}

TEST_CASE(
    "on its own steps a policy's targets are the lambda-returns, and with lambda 1 the n-step returns") {
  std::mt19937 random(2);
  for (const double lambda : {0.0, 0.9, 1.0}) {
    const Steps steps = random_steps(20, random, true);
    const Result result = computed(steps, {.gamma = 0.97, .lambda = lambda});
    std::vector<float> expected(20), advantages(20);
    generalised_advantages(steps.rewards, steps.values, steps.bootstrap, 0.97, lambda, advantages);
    for (std::size_t i = 0; i < 20; ++i) expected[i] = advantages[i] + steps.values[i];
    check_near(result.targets, expected);
    if (lambda < 1) continue;
    n_step_returns(steps.rewards, steps.bootstrap, 0.97, expected);
    check_near(result.targets, expected);
    check_near(result.advantages, advantages);
  }
}

TEST_CASE("steps that the policy would hardly play count little") {
  const Steps steps{{5, 1}, {2, 3}, {-30, -30}, 7};
  const Result result = computed(steps, {});
  check_near(result.targets, steps.values);
  check_near(result.advantages, {0, 0});
}

TEST_CASE("steps that the policy would play far more often count no more than rho and c let them") {
  const Steps steps{{5, 1}, {2, 3}, {80, 80}, 7};
  const Result expected = computed({{5, 1}, {2, 3}, {0, 0}, 7}, {});
  check_near(computed(steps, {}).targets, expected.targets);
}
