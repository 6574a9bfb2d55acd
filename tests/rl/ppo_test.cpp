#include <cmath>
#include <vector>

#include "genkidama/rl/returns.h"
#include "learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

Hyperparameters constants() {
  Hyperparameters hyper;
  hyper.epochs = 1;
  hyper.gae_lambda = 0.9;
  hyper.gamma = 0.95;
  hyper.entropy_weight = 0.02;
  hyper.value_weight = 0.5;
  hyper.normalise_advantages = false;
  return hyper;
}

struct Evaluated {
  std::vector<double> log_probability;
  std::vector<double> value;
  double entropy = 0;
};

Evaluated evaluate(LocalNetwork& network, const Segment& segment) {
  Evaluated result;
  std::vector<float> logits(4);
  for (std::size_t t = 0; t < segment.size(); ++t) {
    const std::span<const float> observation(segment.observations.data() + 3 * t, 3);
    network.policy().logits(network.weights(), observation, logits);
    double normaliser = 0;
    for (const float l : logits) normaliser += std::exp(static_cast<double>(l));
    for (const float l : logits) {
      result.entropy -=
          std::exp(l) / normaliser * (l - std::log(normaliser)) / static_cast<double>(segment.size());
    }
    result.log_probability.push_back(logits[static_cast<std::size_t>(segment.actions[t])] -
                                     std::log(normaliser));
    result.value.push_back(network.policy().value(network.weights(), observation));
  }
  return result;
}

}  // namespace

TEST_CASE("the clipped surrogate's gradient is that of its definition, by finite differences") {
  Random random(11);
  LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
  const Hyperparameters hyper = constants();
  const Segment segment = random_segment(40, random);
  const Evaluated old = evaluate(network, segment);
  const std::vector<float> values(old.value.begin(), old.value.end());
  std::vector<float> advantages(segment.size());
  generalised_advantages(segment.rewards, values, value_beyond(network, segment), hyper.gamma,
                         hyper.gae_lambda, advantages);

  Recorder recorder;
  const auto learner = learner_of(*ppo(hyper), network, recorder);
  learner->learn_segment(segment);
  // Far enough away that some ratios are clipped, in both directions.
  for (float& w : network.weights()) w += static_cast<float>(random.uniform(-0.8, 0.8));

  bool below_range = false, above_range = false;
  const auto plain_loss = [&] {
    const Evaluated now = evaluate(network, segment);
    double total = 0;
    for (std::size_t t = 0; t < segment.size(); ++t) {
      const double ratio = std::exp(now.log_probability[t] - old.log_probability[t]);
      below_range = below_range || ratio < 0.8;
      above_range = above_range || ratio > 1.2;
      const double clipped = std::min(std::max(ratio, 0.8), 1.2);
      const double error = advantages[t] + values[t] - now.value[t];
      total += -std::min(ratio * advantages[t], clipped * advantages[t]) + hyper.value_weight * error * error;
    }
    return total / static_cast<double>(segment.size()) - hyper.entropy_weight * now.entropy;
  };

  Random shuffle(1);
  const double expected = plain_loss();
  REQUIRE(below_range);
  REQUIRE(above_range);
  learner->learn_round(shuffle);
  REQUIRE(recorder.steps == 1);  // one minibatch holds the whole segment
  REQUIRE(recorder.statistics.policy_loss + hyper.value_weight * recorder.statistics.value_loss -
              hyper.entropy_weight * recorder.statistics.entropy ==
          Approx(expected).margin(1e-5));
  for (std::size_t i = 0; i < network.weights().size(); ++i) {
    const float kept = network.weights()[i];
    network.weights()[i] = kept + 2e-3f;
    const double above = plain_loss();
    network.weights()[i] = kept - 2e-3f;
    const double below = plain_loss();
    network.weights()[i] = kept;
    REQUIRE(recorder.gradient[i] == Approx((above - below) / 4e-3).margin(5e-3));
  }
}

TEST_CASE("every epoch goes over all of the round's steps in minibatches and pulls after each") {
  Random random(1);
  LocalNetwork network(thesis_network()(kSpec, 4), kSpec);
  Hyperparameters hyper = constants();
  hyper.epochs = 3;
  hyper.minibatch_size = 8;
  hyper.normalise_advantages = true;
  Recorder recorder;
  const auto learner = learner_of(*ppo(hyper), network, recorder);
  REQUIRE(learner->segment_steps() > 1'000'000);
  learner->learn_segment(random_segment(12, random));
  learner->learn_segment(random_segment(13, random));
  REQUIRE(recorder.steps == 0);
  learner->learn_round(random);
  REQUIRE(recorder.steps == 3 * 4);  // 25 steps: 8, 8, 8 and the last one alone
  REQUIRE(recorder.pulls == 3 * 4);
  learner->learn_segment(random_segment(8, random));
  learner->learn_round(random);
  REQUIRE(recorder.steps == 3 * 5);  // the first round's steps are gone
}

TEST_CASE("PPO reports how far the policy moved and how well its values tell the returns") {
  Random random(5);
  LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
  const Hyperparameters hyper = constants();
  const Segment segment = random_segment(40, random);
  const Evaluated old = evaluate(network, segment);
  const std::vector<float> values(old.value.begin(), old.value.end());
  std::vector<float> advantages(segment.size());
  generalised_advantages(segment.rewards, values, value_beyond(network, segment), hyper.gamma,
                         hyper.gae_lambda, advantages);
  Recorder recorder;
  const auto learner = learner_of(*ppo(hyper), network, recorder);

  learner->learn_segment(segment);
  Random shuffle(1);
  learner->learn_round(shuffle);
  // The recorder changes no weights, so the policy has not moved.
  CHECK(recorder.statistics.approximate_kl == Approx(0).margin(1e-6));
  CHECK(recorder.statistics.clip_fraction == 0);

  learner->learn_segment(segment);
  for (float& w : network.weights()) w += static_cast<float>(random.uniform(-0.8, 0.8));
  const Evaluated now = evaluate(network, segment);
  double kl = 0, clipped = 0, mean = 0, mean_error = 0, variance = 0, error_variance = 0;
  for (std::size_t t = 0; t < segment.size(); ++t) {
    const double log_ratio = now.log_probability[t] - old.log_probability[t];
    kl += (std::exp(log_ratio) - 1 - log_ratio) / 40;
    clipped += std::abs(std::exp(log_ratio) - 1) > 0.2 ? 1.0 / 40 : 0;
    mean += (advantages[t] + values[t]) / 40;
    mean_error += (advantages[t] + values[t] - now.value[t]) / 40;
  }
  for (std::size_t t = 0; t < segment.size(); ++t) {
    const double value_return = advantages[t] + values[t];
    variance += std::pow(value_return - mean, 2);
    error_variance += std::pow(value_return - now.value[t] - mean_error, 2);
  }
  learner->learn_round(shuffle);
  CHECK(clipped > 0);
  CHECK(recorder.statistics.approximate_kl == Approx(kl).epsilon(1e-3));
  CHECK(recorder.statistics.clip_fraction == Approx(clipped));
  CHECK(recorder.statistics.explained_variance == Approx(1 - error_variance / variance).epsilon(1e-3));
}
