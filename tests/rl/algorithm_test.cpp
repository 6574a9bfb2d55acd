#include <cmath>
#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/rl/clip_gradient.h"
#include "genkidama/rl/segment_returns.h"
#include "learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

TEST_CASE("the hyperparameters name the algorithm, and another name is refused") {
  Hyperparameters hyper;
  REQUIRE(make_algorithm(hyper) != nullptr);
  hyper.algorithm = "ppo";
  REQUIRE(make_algorithm(hyper) != nullptr);
  hyper.algorithm = "reinforce";
  REQUIRE_THROWS_AS(make_algorithm(hyper), ArgumentError);
  REQUIRE_THROWS_WITH(make_algorithm(hyper),
                      Catch::Contains("'reinforce'") &&
                          Catch::Contains("expected a3c, dqn, dyna_q, ppo, qr_dqn, sac or td3"));
}

TEST_CASE("a policy gradient asks for what its action space takes and one value") {
  EnvironmentSpec spec;
  spec.name = "task";
  spec.observation_shape = {3, 4};
  spec.action_count = 5;
  spec.time_limit = 10;
  for (const char* name : {"a3c", "ppo"}) {
    Hyperparameters hyper;
    hyper.algorithm = name;
    const auto algorithm = make_algorithm(hyper);
    CHECK(algorithm->network(spec) == NetworkSpec{{3, 4}, 5, 1});
    CHECK(algorithm->shared_state_size(100) == 0);
    EnvironmentSpec continuous = spec;
    continuous.action_count = 0;
    continuous.action_space = {.choices = {}, .low = {-1, -1}, .high = {1, 1}};
    CHECK(algorithm->network(continuous) == NetworkSpec{{3, 4}, 4, 1, 2});
    continuous.action_space.high[0] = -1;
    CHECK_THROWS_AS(algorithm->network(continuous), ArgumentError);
    CHECK_THROWS_WITH(algorithm->network(continuous),
                      Catch::Contains("'task'") && Catch::Contains("-1 and -1"));
  }
}

TEST_CASE("the gradient by the outputs is that of log-probability and entropy, by finite differences") {
  Random random(3);
  constexpr std::size_t kRows = 4, kWidth = 5;
  std::vector<float> outputs(kRows * kWidth), actions{0, 4, 2, 2}, by_log_probability{0.3f, -1, 2, 0.5f};
  for (float& output : outputs) output = static_cast<float>(random.uniform(-2, 2));
  constexpr float kByEntropy = -0.7f;
  const auto loss = [&] {
    double total = 0;
    for (std::size_t t = 0; t < kRows; ++t) {
      double normaliser = 0;
      const auto logit = [&](std::size_t k) { return static_cast<double>(outputs[t * kWidth + k]); };
      for (std::size_t k = 0; k < kWidth; ++k) normaliser += std::exp(logit(k));
      for (std::size_t k = 0; k < kWidth; ++k) {
        const double log_p = logit(k) - std::log(normaliser);
        if (k == static_cast<std::size_t>(actions[t])) total += by_log_probability[t] * log_p;
        total -= kByEntropy * std::exp(log_p) * log_p;
      }
    }
    return total;
  };
  const auto distribution = categorical_distribution(kWidth);
  std::vector<float> log_probabilities(kRows), gradient(outputs.size());
  distribution->evaluate(outputs, {}, actions, log_probabilities);
  distribution->backward(by_log_probability, kByEntropy, gradient);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const float kept = outputs[i];
    outputs[i] = kept + 1e-2f;
    const double above = loss();
    outputs[i] = kept - 1e-2f;
    const double below = loss();
    outputs[i] = kept;
    REQUIRE(gradient[i] == Approx((above - below) / 2e-2).margin(1e-3));
  }
}

TEST_CASE("the distribution's log-probabilities are those that the behaviour reports") {
  Random random(1);
  const std::vector<float> outputs{0.3f, -1, 2};
  const auto behaviour = categorical();
  const auto distribution = categorical_distribution(3);
  for (int i = 0; i < 50; ++i) {
    std::vector<float> action(1), log_probability(1);
    float reported = 0;
    behaviour->act(outputs, {}, Acting::kExploring, random, action, reported);
    distribution->evaluate(outputs, {}, action, log_probability);
    REQUIRE(reported == Approx(log_probability[0]).margin(1e-6));
  }
}

TEST_CASE("a segment has a value beyond its end unless the task ended") {
  Random random(1);
  LocalNetwork network(thesis_network()(kSpec, 4), kSpec);
  Segment segment = random_segment(3, random);
  const float value = value_beyond(network, segment);
  REQUIRE(value != 0);
  Hyperparameters hyper;
  REQUIRE(bootstrap_value(segment, hyper, network) == value);
  segment.end = SegmentEnd::kTruncated;
  REQUIRE(bootstrap_value(segment, hyper, network) == value);
  hyper.bootstrap_truncated = false;
  REQUIRE(bootstrap_value(segment, hyper, network) == 0);
  segment.end = SegmentEnd::kContinues;
  REQUIRE(bootstrap_value(segment, hyper, network) == value);
  segment.end = SegmentEnd::kTerminated;
  REQUIRE(bootstrap_value(segment, Hyperparameters{}, network) == 0);
}

TEST_CASE("the value beyond a segment may be that of its last stored observation") {
  Random random(1);
  LocalNetwork network(thesis_network()(kSpec, 4), kSpec);
  Segment segment = random_segment(3, random);
  Hyperparameters hyper;
  hyper.bootstrap_next = false;
  const std::vector<float> values{1, 2, 3};
  CHECK(bootstrap_value(segment, hyper, network, values) == 3);
  segment.end = SegmentEnd::kTruncated;
  CHECK(bootstrap_value(segment, hyper, network, values) == 3);
  hyper.bootstrap_truncated = false;
  CHECK(bootstrap_value(segment, hyper, network, values) == 0);
  segment.end = SegmentEnd::kTerminated;
  CHECK(bootstrap_value(segment, hyper, network) == 0);
  segment.end = SegmentEnd::kContinues;
  CHECK_THROWS_AS(bootstrap_value(segment, hyper, network), ArgumentError);
  CHECK_THROWS_WITH(bootstrap_value(segment, hyper, network, std::span(values).first(2)),
                    Catch::Contains("2 values of a segment of 3 steps"));
}

TEST_CASE("a segment keeps the environment's rewards, and learners scale them") {
  Segment segment;
  segment.rewards = {1, -2};
  Hyperparameters hyper;
  hyper.reward_scale = 0.5;
  std::vector<float> scaled;
  scale_rewards(segment, hyper, scaled);
  REQUIRE(scaled == std::vector<float>{0.5f, -1});
  REQUIRE(segment.rewards == std::vector<float>{1, -2});
}

TEST_CASE("a gradient that is not finite is refused, whatever the limit") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const double limit : {0.0, 1.0}) {
      std::vector<float> gradient{1, bad};
      REQUIRE_THROWS_AS(clip_gradient(gradient, limit), WorkerError);
    }
  }
}
