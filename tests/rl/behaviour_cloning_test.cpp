#include "genkidama/rl/behaviour_cloning.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/nn/networks.h"
#include "genkidama/rl/algorithms.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

constexpr int kObservation = 4;

EnvironmentSpec task(const ActionSpace& space, bool masks = false) {
  EnvironmentSpec spec;
  spec.name = "Synthetic";
  spec.observation_size = kObservation;
  spec.action_space = space;
  spec.time_limit = 1000;
  spec.masks_actions = masks;
  return completed(spec);
}

/// A number in [-1, 1] that an observation stands for; another one for each part of an action.
float wish(std::span<const float> seen, std::size_t part) {
  const float sum = seen[part % kObservation] - 0.7f * seen[(part + 1) % kObservation];
  return std::clamp(sum, -1.0f, 1.0f);
}

/// An expert who follows wish() in whichever space, over episodes of `length` steps, each worth 1.
Demonstrations expert(const EnvironmentSpec& spec, int episodes = 20, int length = 40,
                      bool terminates = true) {
  Demonstrations all;
  all.environment = spec.name;
  all.observation_shape = spec.observation_shape;
  all.action_space = spec.action_space;
  Random random(5);
  for (int episode = 0; episode < episodes; ++episode) {
    for (int t = 0; t < length; ++t) {
      std::vector<float> seen;
      for (int i = 0; i < kObservation; ++i) seen.push_back(static_cast<float>(random.uniform(-1, 1)));
      for (std::size_t i = 0; i < spec.action_space.choices.size(); ++i) {
        const int count = spec.action_space.choices[i];
        const auto at = static_cast<int>((wish(seen, i) + 1) / 2 * static_cast<float>(count));
        all.actions.push_back(static_cast<float>(std::min(at, count - 1)));
      }
      for (std::size_t i = 0; i < spec.action_space.low.size(); ++i) {
        const float low = spec.action_space.low[i], high = spec.action_space.high[i];
        const float wanted = wish(seen, i + spec.action_space.choices.size());
        const bool is_bounded = std::isfinite(low) && std::isfinite(high);
        all.actions.push_back(is_bounded ? low + (wanted + 1) / 2 * (high - low) : wanted);
      }
      all.observations.insert(all.observations.end(), seen.begin(), seen.end());
      all.rewards.push_back(1);
    }
    all.lengths.push_back(static_cast<std::size_t>(length));
    all.terminated.push_back(terminates ? 1 : 0);
  }
  return all;
}

LocalNetwork network_for(const Algorithm& algorithm, const EnvironmentSpec& spec,
                         const MlpOptions& options = {}) {
  const NetworkSpec sizes = algorithm.network(spec);
  return LocalNetwork(make_network(mlp_network(options), sizes, 3), sizes);
}

Hyperparameters constants(const std::string& algorithm) {
  Hyperparameters hyper;
  hyper.algorithm = algorithm;
  hyper.gamma = 0.9;
  return hyper;
}

CloningOptions fast() {
  CloningOptions options;
  options.epochs = 60;
  options.learning_rate = 3e-3;
  return options;
}

CloningReport clone(const Hyperparameters& hyper, const EnvironmentSpec& spec,
                    const Demonstrations& demonstrations, const CloningOptions& options = fast(),
                    const MlpOptions& network = {}) {
  const auto algorithm = make_algorithm(hyper);
  LocalNetwork local = network_for(*algorithm, spec, network);
  return BehaviourCloning(*algorithm, hyper, spec, demonstrations, options).fit(local).value();
}

std::string refusal(const std::function<void()>& body) {
  try {
    body();
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a policy of choices, of numbers and of both is cloned from an expert", "[cloning]") {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto [name, space] =
      GENERATE_COPY(table<std::string, ActionSpace>({{"a choice", {{4}, {}, {}}},
                                                     {"several choices", {{3, 2, 5}, {}, {}}},
                                                     {"a box", {{}, {-2, 0}, {2, 10}}},
                                                     {"a box without bounds", {{}, {-infinity}, {infinity}}},
                                                     {"a choice and a number", {{3}, {-1}, {1}}}}));
  CAPTURE(name);
  const EnvironmentSpec spec = task(space);
  for (const char* algorithm : {"ppo", "a3c"}) {
    const CloningReport report = clone(constants(algorithm), spec, expert(spec));
    CHECK(report.episodes == 20);
    CHECK(report.steps == 800);
    CHECK(report.held_out_episodes == 2);
    CHECK(report.mean_return == Approx(40));
    CHECK(report.held_out.loss < report.first.loss);
    REQUIRE(report.held_out.agreement.has_value() == !space.choices.empty());
    REQUIRE(report.held_out.distance.has_value() == !space.low.empty());
    if (report.held_out.agreement) CHECK(*report.held_out.agreement > 0.9);
    if (report.held_out.distance) CHECK(*report.held_out.distance < 0.05);
    REQUIRE(report.held_out.value_error);
    CHECK(*report.held_out.value_error < 1.5);
  }
}

TEST_CASE("a squashed policy is cloned, and its deviation stays above the least", "[cloning]") {
  const EnvironmentSpec spec = task({{}, {-2}, {2}});
  Hyperparameters hyper = constants("ppo");
  hyper.action_bounds = ActionBounds::kTanh;
  const auto algorithm = make_algorithm(hyper);
  LocalNetwork network = network_for(*algorithm, spec);
  CloningOptions options = fast();
  options.least_deviation = 0.2;
  options.epochs = 150;
  // Not up to the bounds, which a squashed policy only comes close to.
  Demonstrations demonstrations = expert(spec);
  for (float& action : demonstrations.actions) action *= 0.5f;
  const auto report = BehaviourCloning(*algorithm, hyper, spec, demonstrations, options).fit(network);
  REQUIRE(report);
  CHECK(*report->held_out.distance < 0.05);
  // The only free output is the last weight.
  CHECK(std::exp(network.weights().back()) == Approx(0.2).margin(0.05));
}

TEST_CASE("values of a choice's alternatives are cloned by a margin", "[cloning]") {
  const EnvironmentSpec spec = task({{4}, {}, {}});
  Hyperparameters hyper = constants(GENERATE("dqn", "dyna_q", "qr_dqn"));
  hyper.quantiles = 8;
  hyper.dueling = GENERATE(false, true) && hyper.algorithm != "qr_dqn";
  CAPTURE(hyper.algorithm, hyper.dueling);
  const CloningReport report = clone(hyper, spec, expert(spec));
  CHECK(*report.held_out.agreement > 0.85);
  CHECK(*report.held_out.value_error < 1.5);
}

TEST_CASE("actors of critics are cloned, and their critics know the returns", "[cloning]") {
  const EnvironmentSpec spec = task({{}, {-2, 0}, {2, 10}});
  Hyperparameters hyper = constants(GENERATE("sac", "td3"));
  CAPTURE(hyper.algorithm);
  CHECK(*clone(hyper, spec, expert(spec)).held_out.distance < 0.06);
  const auto algorithm = make_algorithm(hyper);
  LocalNetwork network = network_for(*algorithm, spec);
  const float last = network.weights().back();
  // The first two observations of an episode are worth more than its last two: the critics must tell.
  Demonstrations demonstrations = expert(spec, 300, 2);
  for (std::size_t t = 0; t < demonstrations.steps(); ++t)
    demonstrations.observations[t * kObservation] = t % 2 == 0 ? 1.0f : -1.0f;
  const auto report = BehaviourCloning(*algorithm, hyper, spec, demonstrations, fast()).fit(network);
  REQUIRE(report);
  CHECK(*report->held_out.value_error < 0.1);
  std::vector<float> values(2);
  const std::vector<float> action(2, 0.0f);
  network.critics().forward(network.weights(), std::vector<float>{1, 0, 0, 0}, action, values);
  CHECK(values[0] == Approx(1.9).margin(0.4));
  network.critics().forward(network.weights(), std::vector<float>{-1, 0, 0, 0}, action, values);
  CHECK(values[1] == Approx(1).margin(0.4));
  // SAC's temperature stays as it is.
  if (hyper.algorithm == "sac") CHECK(network.weights().back() == last);
}

TEST_CASE("a masked alternative is neither learnt nor counted", "[cloning]") {
  const EnvironmentSpec spec = task({{4}, {}, {}}, true);
  Demonstrations demonstrations = expert(spec);
  for (std::size_t t = 0; t < demonstrations.steps(); ++t) {
    // Only the demonstrated one and the next one are allowed.
    const auto chosen = static_cast<std::size_t>(demonstrations.actions[t]);
    for (std::size_t k = 0; k < 4; ++k)
      demonstrations.masks.push_back(k == chosen || k == (chosen + 1) % 4 ? 1 : 0);
  }
  for (const char* algorithm : {"ppo", "dqn"}) {
    const CloningReport report = clone(constants(algorithm), spec, demonstrations);
    CHECK(*report.held_out.agreement > 0.95);
  }
}

namespace {

/// What is right now was seen two steps ago: nothing but memory tells.
Demonstrations remembering(const EnvironmentSpec& spec) {
  Demonstrations all = expert(spec, 30, 30);
  for (std::size_t t = 0; t < all.steps(); ++t)
    all.actions[t] = t % 30 >= 2 && all.observations[(t - 2) * kObservation] > 0 ? 1.0f : 0.0f;
  return all;
}

}  // namespace

TEST_CASE("a network with memory is cloned over sequences", "[cloning]") {
  const EnvironmentSpec spec = task({{2}, {}, {}});
  Hyperparameters hyper = constants(GENERATE("ppo", "dqn"));
  hyper.sequence_length = 10;
  CloningOptions options = fast();
  options.epochs = 80;
  const Demonstrations demonstrations = remembering(spec);
  const CloningReport with = clone(hyper, spec, demonstrations, options, {.hidden = {16}, .memory = 16});
  const CloningReport without = clone(hyper, spec, demonstrations, options, {.hidden = {16}});
  CHECK(*with.held_out.agreement > 0.93);
  CHECK(*without.held_out.agreement < 0.75);
}

TEST_CASE("what is normalised begins with the statistics of the demonstrations", "[cloning]") {
  const EnvironmentSpec spec = task({{4}, {}, {}});
  Demonstrations demonstrations = expert(spec);
  for (float& each : demonstrations.observations) each = 5000 + 300 * each;
  for (float& each : demonstrations.rewards) each = 100;
  Hyperparameters hyper = constants("ppo");
  hyper.normalise_observations = hyper.normalise_rewards = true;
  const auto algorithm = make_algorithm(hyper);
  LocalNetwork network = network_for(*algorithm, spec);
  BehaviourCloning cloning(*algorithm, hyper, spec, demonstrations, fast());
  const RunningStatistics& statistics = cloning.statistics();
  REQUIRE(statistics.components() == kObservation + 1);
  CHECK(statistics.count() == 800);
  CHECK(statistics.mean(0) == Approx(5000).margin(30));
  // The return that is discounted back: it comes from 100 and ends near 1000.
  CHECK(statistics.mean(kObservation) > 500);
  const auto report = cloning.fit(network);
  REQUIRE(report);
  CHECK(*report->held_out.agreement > 0.9);
  hyper.normalise_observations = hyper.normalise_rewards = false;
  CHECK(clone(hyper, spec, demonstrations).statistics.components() == 0);
}

TEST_CASE("returns that are not known teach no value", "[cloning]") {
  const EnvironmentSpec spec = task({{2}, {}, {}});
  Hyperparameters hyper = constants("ppo");
  const auto value_error = [&](bool terminates) {
    return clone(hyper, spec, expert(spec, 10, 40, terminates)).held_out.value_error;
  };
  // Within 40 steps at 0.9 the beginning is known.
  CHECK(value_error(false));
  hyper.gamma = 1;
  CHECK_FALSE(value_error(false));
  CHECK(value_error(true));
  // Where the time limit counts as an end there is nothing behind it.
  hyper.bootstrap_truncated = false;
  CHECK(value_error(false));
  CloningOptions none = fast();
  none.value_weight = 0;
  CHECK_FALSE(clone(hyper, spec, expert(spec), none).held_out.value_error);
}

TEST_CASE("the same seed clones the same weights, and another one others", "[cloning]") {
  const EnvironmentSpec spec = task({{3}, {-1}, {1}});
  const Demonstrations demonstrations = expert(spec);
  const auto weights = [&](std::uint64_t seed) {
    const Hyperparameters hyper = constants("ppo");
    const auto algorithm = make_algorithm(hyper);
    LocalNetwork network = network_for(*algorithm, spec);
    CloningOptions options = fast();
    options.epochs = 3;
    options.seed = seed;
    BehaviourCloning(*algorithm, hyper, spec, demonstrations, options).fit(network);
    return std::vector<float>(network.weights().begin(), network.weights().end());
  };
  CHECK(weights(1) == weights(1));
  CHECK(weights(1) != weights(2));
}

TEST_CASE("a fit tells of each pass, keeps the best one, and can be given up", "[cloning]") {
  const EnvironmentSpec spec = task({{4}, {}, {}});
  const Demonstrations demonstrations = expert(spec);
  const Hyperparameters hyper = constants("ppo");
  const auto algorithm = make_algorithm(hyper);
  CloningOptions options = fast();
  options.epochs = 500;
  options.patience = 5;
  options.learning_rate = 0.03;
  LocalNetwork network = network_for(*algorithm, spec);
  BehaviourCloning cloning(*algorithm, hyper, spec, demonstrations, options);
  std::vector<double> losses;
  const auto report = cloning.fit(network, [&](const CloningEpoch& epoch) {
    CHECK(epoch.epoch == static_cast<int>(losses.size()));
    losses.push_back(epoch.held_out.loss + options.value_weight * *epoch.held_out.value_error);
    return true;
  });
  REQUIRE(report);
  CHECK(report->epochs == report->best_epoch + 5);
  CHECK(losses.size() == static_cast<std::size_t>(report->epochs) + 1);
  CHECK(losses[static_cast<std::size_t>(report->best_epoch)] ==
        *std::min_element(losses.begin(), losses.end()));
  int passes = 0;
  CHECK_FALSE(cloning.fit(network, [&](const CloningEpoch&) { return ++passes < 3; }));
  CHECK(passes == 3);
  // Without held-out episodes all passes are made.
  options.held_out = 0;
  options.epochs = 7;
  const CloningReport whole = clone(hyper, spec, demonstrations, options);
  CHECK(whole.held_out_episodes == 0);
  CHECK(whole.epochs == 7);
  CHECK(whole.best_epoch == 7);
}

TEST_CASE("one episode is learnt from, and judged by itself", "[cloning]") {
  const EnvironmentSpec spec = task({{2}, {}, {}});
  const CloningReport report = clone(constants("ppo"), spec, expert(spec, 1));
  CHECK(report.held_out_episodes == 0);
  CHECK(*report.held_out.agreement > 0.9);
}

namespace {

/// PPO without its way of imitation.
class OwnAlgorithm : public Algorithm {
 public:
  NetworkSpec network(const EnvironmentSpec& environment) const override {
    return inner_->network(environment);
  }
  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& environment) const override {
    return inner_->make_behaviour(environment);
  }
  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const override {
    return inner_->make_learner(context);
  }

 private:
  std::unique_ptr<Algorithm> inner_ = make_algorithm(constants("ppo"));
};

}  // namespace

TEST_CASE("what cannot be cloned is refused before anything is learnt", "[cloning]") {
  const EnvironmentSpec spec = task({{2}, {}, {}});
  const Hyperparameters hyper = constants("ppo");
  const auto algorithm = make_algorithm(hyper);
  const Demonstrations sound = expert(spec, 2);
  const auto told = [&](
                        const Algorithm& by, const Demonstrations& demonstrations,
                        const std::function<void(CloningOptions&)>& change = [](CloningOptions&) {}) {
    CloningOptions options;
    change(options);
    return refusal([&] { BehaviourCloning(by, hyper, spec, demonstrations, options); });
  };
  CHECK(told(*algorithm, sound).empty());
  CHECK_THAT(told(OwnAlgorithm(), sound),
             Contains("cannot begin with demonstrations") && Contains("Algorithm::make_imitation_loss()"));
  Demonstrations bad = sound;
  bad.environment = "Other";
  CHECK_THAT(told(*algorithm, bad), Contains("recorded in 'Other', and this environment is 'Synthetic'"));
  bad = sound;
  bad.actions[3] = 2;
  CHECK_THAT(told(*algorithm, bad), Contains("step 3 of episode 0 given action 2, expected 0 to 1"));
  CHECK_THAT(told(*algorithm, sound, [](CloningOptions& o) { o.epochs = 0; }),
             Contains("cloning.epochs is 0"));
  CHECK_THAT(told(*algorithm, sound, [](CloningOptions& o) { o.held_out = 0.6; }),
             Contains("cloning.held_out is 0.6; expected 0 to 0.5"));
  CHECK_THAT(told(*algorithm, sound, [](CloningOptions& o) { o.learning_rate = 0; }),
             Contains("cloning.learning_rate is 0"));
  CHECK_THAT(told(*algorithm, sound, [](CloningOptions& o) { o.least_deviation = 0; }),
             Contains("cloning.least_deviation is 0"));
}
