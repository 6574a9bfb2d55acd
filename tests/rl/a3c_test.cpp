#include <cmath>
#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/rl/returns.h"
#include "learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// The loss as its definition reads, one step after another, with returns and advantages held fixed.
double plain_loss(LocalNetwork& network, const Segment& segment, const Hyperparameters& hyper,
                  const std::vector<float>& returns, const std::vector<float>& advantages) {
  double total = 0;
  std::vector<float> logits(4);
  for (std::size_t t = 0; t < segment.size(); ++t) {
    const std::span<const float> observation(segment.observations.data() + 3 * t, 3);
    network.policy().logits(network.weights(), observation, logits);
    double normaliser = 0, entropy = 0;
    for (const float l : logits) normaliser += std::exp(static_cast<double>(l));
    for (const float l : logits) entropy -= std::exp(l) / normaliser * (l - std::log(normaliser));
    const double log_probability =
        logits[static_cast<std::size_t>(segment.actions[t])] - std::log(normaliser);
    const double error = returns[t] - network.policy().value(network.weights(), observation);
    total +=
        hyper.value_weight * error * error - log_probability * advantages[t] - hyper.entropy_weight * entropy;
  }
  return total / static_cast<double>(segment.size());
}

void check_gradient(const Hyperparameters& hyper) {
  Random random(11);
  LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
  const Segment segment = random_segment(9, random);
  std::vector<float> values, returns(9), advantages(9);
  for (std::size_t t = 0; t < 9; ++t) {
    values.push_back(network.policy().value(network.weights(), {segment.observations.data() + 3 * t, 3}));
  }
  generalised_advantages(segment.rewards, values, value_beyond(network, segment), hyper.gamma,
                         hyper.gae_lambda, advantages);
  for (std::size_t t = 0; t < 9; ++t) returns[t] = advantages[t] + values[t];

  Recorder recorder;
  learner_of(*a3c(hyper), network, recorder)->learn_segment(segment);
  const LearningStatistics& terms = recorder.statistics;
  const double expected = plain_loss(network, segment, hyper, returns, advantages);
  REQUIRE(terms.policy_loss + hyper.value_weight * terms.value_loss - hyper.entropy_weight * terms.entropy ==
          Approx(expected).margin(1e-5));
  for (std::size_t i = 0; i < network.weights().size(); i += 3) {
    const float kept = network.weights()[i];
    network.weights()[i] = kept + 1e-2f;
    const double above = plain_loss(network, segment, hyper, returns, advantages);
    network.weights()[i] = kept - 1e-2f;
    const double below = plain_loss(network, segment, hyper, returns, advantages);
    network.weights()[i] = kept;
    REQUIRE(network.gradient()[i] == Approx((above - below) / 2e-2).margin(2e-3));
  }
}

}  // namespace

TEST_CASE("the gradient is that of the thesis' loss, by finite differences") {
  check_gradient(Hyperparameters{});
}

TEST_CASE("the gradient is that of the loss with GAE, entropy and a value weight, by finite differences") {
  Hyperparameters hyper;
  hyper.gae_lambda = 0.9;
  hyper.entropy_weight = 0.05;
  hyper.value_weight = 0.5;
  hyper.gamma = 0.95;
  check_gradient(hyper);
}

TEST_CASE("a second batch does not add to the first one's gradient") {
  Random random(1);
  LocalNetwork network(thesis_network()(kSpec, 4), kSpec);
  const Segment segment = random_segment(20, random);
  Recorder recorder;
  const auto learner = learner_of(*a3c(Hyperparameters{}), network, recorder);
  learner->learn_segment(segment);
  const std::vector<float> first = recorder.gradient;
  learner->learn_segment(segment);
  REQUIRE(recorder.gradient == first);
}

TEST_CASE("the gradient is clipped to its norm and keeps its direction") {
  Random random(1);
  LocalNetwork network(thesis_network()(kSpec, 4), kSpec);
  const Segment segment = random_segment(20, random);
  Hyperparameters hyper;
  Recorder recorder;
  learner_of(*a3c(hyper), network, recorder)->learn_segment(segment);
  const std::vector<float> whole = recorder.gradient;
  hyper.max_gradient_norm = 0.01;
  learner_of(*a3c(hyper), network, recorder)->learn_segment(segment);
  double squares = 0, full = 0;
  for (const float g : network.gradient()) squares += static_cast<double>(g) * g;
  for (const float g : whole) full += static_cast<double>(g) * g;
  REQUIRE(std::sqrt(squares) == Approx(0.01));
  const double ratio = 0.01 / std::sqrt(full);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    REQUIRE(network.gradient()[i] == Approx(whole[i] * ratio).margin(1e-8));
  }
}

TEST_CASE("a gradient that is not finite is an error, not an update") {
  Random random(1);
  LocalNetwork network(thesis_network()(kSpec, 4), kSpec);
  Segment segment = random_segment(5, random);
  segment.rewards[2] = std::numeric_limits<float>::infinity();
  Recorder recorder;
  const auto learner = learner_of(*a3c(Hyperparameters{}), network, recorder);
  REQUIRE_THROWS_WITH(learner->learn_segment(segment), Catch::Contains("diverged"));
  REQUIRE(recorder.steps == 0);
}

TEST_CASE("the shared weights are pulled every second batch and at the episode's end") {
  Random random(1);
  LocalNetwork network(thesis_network()(kSpec, 4), kSpec);
  Segment segment = random_segment(5, random);
  Recorder recorder;
  const auto learner = learner_of(*a3c(Hyperparameters{}), network, recorder);
  std::vector<int> pulls;
  for (int i = 0; i < 5; ++i) {
    learner->learn_segment(segment);
    pulls.push_back(recorder.pulls);
  }
  REQUIRE(pulls == std::vector<int>{0, 1, 1, 2, 2});
  segment.end = SegmentEnd::kTerminated;
  learner->learn_segment(segment);
  learner->learn_segment(segment);
  REQUIRE(recorder.pulls == 4);
}
