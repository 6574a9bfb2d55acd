#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "genkidama/rl/actor_critic_pass.h"
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

TEST_CASE("the clipped value loss' gradient is that of its definition, by finite differences") {
  Random random(7);
  LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
  Hyperparameters hyper = constants();
  hyper.entropy_weight = 0;
  hyper.value_clip_range = 0.15;
  const Segment segment = random_segment(60, random);
  const Evaluated old = evaluate(network, segment);
  const std::vector<float> values(old.value.begin(), old.value.end());
  std::vector<float> advantages(segment.size());
  generalised_advantages(segment.rewards, values, value_beyond(network, segment), hyper.gamma,
                         hyper.gae_lambda, advantages);
  ActorCriticPass pass(hyper, network, categorical_distribution(4));
  std::vector<float> returns;
  for (std::size_t t = 0; t < segment.size(); ++t) returns.push_back(advantages[t] + values[t]);
  for (float& w : network.weights()) w += static_cast<float>(random.uniform(-0.4, 0.4));

  int unmoved = 0, held = 0, free = 0;
  const auto plain_loss = [&] {
    const Evaluated now = evaluate(network, segment);
    unmoved = held = free = 0;
    double total = 0;
    for (std::size_t t = 0; t < segment.size(); ++t) {
      const double moved = now.value[t] - values[t];
      const double plain = std::pow(returns[t] - now.value[t], 2);
      const double clipped = std::pow(returns[t] - values[t] - std::min(std::max(moved, -0.15), 0.15), 2);
      ++(std::abs(moved) <= 0.15 ? unmoved : clipped > plain ? held : free);
      total += std::max(plain, clipped);
    }
    return total / static_cast<double>(segment.size());
  };

  // Through PPO as well as through the pass itself.
  Recorder recorder;
  LocalNetwork learning(mlp_network({{6}, false})(kSpec, 4), kSpec);
  const auto learner = learner_of(*ppo(hyper), learning, recorder);
  learner->learn_segment(segment);
  std::copy(network.weights().begin(), network.weights().end(), learning.weights().begin());
  Random shuffle(1);
  learner->learn_round(shuffle);
  REQUIRE(recorder.steps == 1);
  const double expected = plain_loss();
  CHECK(recorder.statistics.value_loss == Approx(expected).epsilon(1e-4));

  pass.evaluate(segment.observations, segment.actions, {}, segment.size());
  const std::vector<float> no_policy(segment.size(), 0.0f);
  const LearningStatistics statistics = pass.backpropagate(returns, no_policy, values);
  CHECK(statistics.value_loss == Approx(expected).epsilon(1e-4));
  const std::vector<float> gradient(network.gradient().begin(), network.gradient().end());
  REQUIRE(unmoved > 0);
  REQUIRE(held > 0);
  REQUIRE(free > 0);
  double norm = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const float kept = network.weights()[i];
    network.weights()[i] = kept + 5e-4f;
    const double above = plain_loss();
    network.weights()[i] = kept - 5e-4f;
    const double below = plain_loss();
    network.weights()[i] = kept;
    REQUIRE(gradient[i] == Approx(hyper.value_weight * (above - below) / 1e-3).margin(3e-3));
    norm += static_cast<double>(gradient[i]) * gradient[i];
  }
  CHECK(statistics.gradient_norm == Approx(std::sqrt(norm)).epsilon(1e-4));
  CHECK(statistics.deviation == 0);

  // Without the values of then, or without a range, nothing is clipped.
  pass.evaluate(segment.observations, segment.actions, {}, segment.size());
  const double plain = pass.backpropagate(returns, no_policy).value_loss;
  CHECK(plain < expected);
  hyper.value_clip_range = 0;
  ActorCriticPass unlimited(hyper, network, categorical_distribution(4));
  unlimited.evaluate(segment.observations, segment.actions, {}, segment.size());
  CHECK(unlimited.backpropagate(returns, no_policy, values).value_loss == plain);
}

TEST_CASE("the gradient's norm is told as it was before it was clipped") {
  Random random(7);
  LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
  const Segment segment = random_segment(20, random);
  const auto learn = [&](double largest) {
    Hyperparameters hyper = constants();
    hyper.max_gradient_norm = largest;
    Recorder recorder;
    const auto learner = learner_of(*ppo(hyper), network, recorder);
    learner->learn_segment(segment);
    Random shuffle(1);
    learner->learn_round(shuffle);
    double squares = 0;
    for (const float g : recorder.gradient) squares += static_cast<double>(g) * g;
    return std::pair(recorder.statistics.gradient_norm, std::sqrt(squares));
  };
  const auto [free, whole] = learn(0);
  CHECK(free == Approx(whole));
  const auto [told, clipped] = learn(free / 4);
  CHECK(told == free);
  CHECK(clipped == Approx(free / 4));
}

TEST_CASE("the clip range follows its schedule") {
  Random random(5);
  LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
  const Segment segment = random_segment(40, random);
  std::vector<float> first(network.weights().begin(), network.weights().end()), moved = first;
  for (float& w : moved) w += static_cast<float>(random.uniform(-0.8, 0.8));
  const auto learn = [&](double range, Schedule schedule, double done) {
    Hyperparameters hyper = constants();
    hyper.clip_range = range;
    hyper.clip_range_schedule = schedule;
    hyper.schedule_steps = 100;
    Recorder recorder;
    recorder.done = done;
    const auto learner = learner_of(*ppo(hyper), network, recorder);
    std::copy(first.begin(), first.end(), network.weights().begin());
    learner->learn_segment(segment);
    std::copy(moved.begin(), moved.end(), network.weights().begin());
    Random shuffle(1);
    learner->learn_round(shuffle);
    return recorder;
  };
  const Recorder narrow = learn(0.2, Schedule::kConstant, 0.5);
  const Recorder fallen = learn(0.4, Schedule::kLinear, 0.5);
  CHECK(fallen.gradient == narrow.gradient);
  CHECK(fallen.statistics.clip_fraction == narrow.statistics.clip_fraction);
  CHECK(learn(0.4, Schedule::kLinear, 0).statistics.clip_fraction < narrow.statistics.clip_fraction);
  CHECK(learn(0.4, Schedule::kCosine, 1).statistics.clip_fraction == 1);
}

namespace {

/// Weights that each pull moves further away from those that the steps were collected with.
class Moving : public Recorder {
 public:
  void pull(std::span<float> weights) override {
    Recorder::pull(weights);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += (i % 2 == 0 ? 0.05f : -0.05f);
  }
};

}  // namespace

TEST_CASE("a worker stops learning from a round before the first minibatch above the target KL") {
  const auto learn = [](double target, double& kl) {
    Random random(5);
    LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
    Hyperparameters hyper = constants();
    hyper.epochs = 10;
    hyper.minibatch_size = 10;
    hyper.target_kl = target;
    Moving sink;
    const auto learner = learner_of(*ppo(hyper), network, sink);
    learner->learn_segment(random_segment(20, random));
    Random shuffle(1);
    learner->learn_round(shuffle);
    kl = sink.statistics.approximate_kl;
    // The round is over for good: the next one has only its own steps.
    const int steps = sink.steps;
    learner->learn_segment(random_segment(10, random));
    learner->learn_round(shuffle);
    CHECK(sink.steps > steps);
    return steps;
  };
  double kl = 0;
  REQUIRE(learn(0, kl) == 20);
  const double last = kl;
  REQUIRE(last > 1e-3);
  CHECK(learn(2 * last, kl) == 20);
  const int stopped = learn(last / 20, kl);
  CHECK(stopped > 0);
  CHECK(stopped < 20);
  CHECK(kl <= last / 20);  // of the last step that was made
}

namespace {

/// The gradient of one epoch over one segment in one minibatch, with the log-probabilities that it was played
/// with less `shift`: above 0 the policy that played took its actions less often than this one.
std::vector<float> gradient_of(const Hyperparameters& hyper, double shift) {
  Random random(5);
  LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
  Segment segment = random_segment(40, random);
  for (const double log_probability : evaluate(network, segment).log_probability) {
    segment.log_probabilities.push_back(static_cast<float>(log_probability - shift));
  }
  Recorder recorder;
  const auto learner = learner_of(*ppo(hyper), network, recorder);
  learner->learn_segment(segment);
  learner->learn_round(random);
  CHECK(recorder.steps == 1);
  return recorder.gradient;
}

void check_near(const std::vector<float>& left, const std::vector<float>& right) {
  REQUIRE(left.size() == right.size());
  for (std::size_t i = 0; i < left.size(); ++i) CHECK(left[i] == Approx(right[i]).epsilon(1e-3).margin(1e-5));
}

}  // namespace

TEST_CASE("with V-trace PPO learns from its own steps as without, and less from those it would hardly play") {
  Hyperparameters hyper = constants();
  hyper.gae_lambda = 1;
  hyper.minibatch_size = 40;
  const auto plain = gradient_of(hyper, 0);
  // Without V-trace the steps' own log-probabilities have no say.
  CHECK(gradient_of(hyper, 3) == plain);
  hyper.vtrace = true;
  check_near(gradient_of(hyper, 0), plain);
  // No more than rho and c let them.
  check_near(gradient_of(hyper, 3), plain);
  // What is left of steps that the policy would never play is the entropy's gradient.
  hyper.entropy_weight = 0;
  for (const float value : gradient_of(hyper, -40)) CHECK(std::abs(value) < 1e-6f);
  const auto half = gradient_of(hyper, -0.7);
  CHECK_FALSE(half == gradient_of(hyper, 0));
}

TEST_CASE(
    "V-trace's advantages are normalised by their weights, so that steps without weight stay without "
    "effect") {
  Hyperparameters hyper = constants();
  hyper.gae_lambda = 1;
  hyper.minibatch_size = 40;
  hyper.entropy_weight = 0;
  hyper.value_weight = 0;
  hyper.normalise_advantages = true;
  const auto plain = gradient_of(hyper, 0);
  hyper.vtrace = true;
  check_near(gradient_of(hyper, 0), plain);
  for (const float value : gradient_of(hyper, -40)) CHECK(std::abs(value) < 1e-6f);
}

TEST_CASE("a segment of PPO has as many steps as unroll says") {
  LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
  Recorder recorder;
  Hyperparameters hyper = constants();
  CHECK(learner_of(*ppo(hyper), network, recorder)->segment_steps() == SIZE_MAX);
  hyper.unroll = 64;
  CHECK(learner_of(*ppo(hyper), network, recorder)->segment_steps() == 64);
}
