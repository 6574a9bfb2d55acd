// The proximal term, which holds a machine to the weights that it last took from others.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/saveable.h"
#include "orchestrator/trained.h"
#include "rl/shared_training.h"
#include "rl/worker_sink.h"
#include "support/catch.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

OrchestratorOptions options_with(double proximal, const std::string& algorithm = "ppo") {
  OrchestratorOptions options;
  options.mode = WorkerMode::kThreads;
  options.workers = 1;
  options.worker_timeout = Milliseconds{120'000};
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = algorithm;
  hyper.proximal = proximal;
  hyper.optimizer = "sgd";
  hyper.momentum = 0;
  hyper.learning_rate = 1e-2;
  hyper.weight_decay = 0;
  hyper.gamma = 0;
  hyper.gae_lambda = 0;
  hyper.round_steps = 300;
  hyper.max_gradient_norm = 1;
  hyper.minibatch_size = 32;
  hyper.learning_starts = 32;
  if (algorithm == "dqn" || algorithm == "sac" || algorithm == "td3") options.replay_capacity = 1'000;
  return options;
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options) {
  const std::string& algorithm = options.hyperparameters.algorithm;
  const bool is_continuous = algorithm == "sac" || algorithm == "td3";
  const ActionSpace space = is_continuous ? ActionSpace{.choices = {}, .low = {-1}, .high = {1}}
                                          : ActionSpace{.choices = {3}, .low = {}, .high = {}};
  return std::make_unique<CoreOrchestrator>(target_factory(space, false), mlp_network({.hidden = {16}}),
                                            options);
}

std::vector<float> weights_after(const OrchestratorOptions& options, int rounds) {
  const auto trainer = make(options);
  for (int i = 0; i < rounds; ++i) trainer->train_round();
  return weights_of(*trainer);
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return std::sqrt(squares);
}

/// How far a machine moves in a few rounds from what it took from others.
double distance_with(const OrchestratorOptions& options) {
  const auto trainer = make(options);
  const std::vector<float> anchor = weights_of(*trainer);
  trainer->write_weights(anchor);
  for (int i = 0; i < 3; ++i) trainer->train_round();
  return distance(anchor, weights_of(*trainer));
}

}  // namespace

TEST_CASE("the proximal term adds mu (w - anchor) to a gradient, in every way of sharing") {
  for (const Sharing sharing : {Sharing::kHogwild, Sharing::kMutex, Sharing::kLocal, Sharing::kOneBuffer}) {
    CAPTURE(sharing_name(sharing));
    Hyperparameters hyper;
    hyper.sharing = sharing;
    hyper.merge_every = 1;
    hyper.optimizer = "sgd";
    hyper.momentum = 0;
    hyper.weight_decay = 0;
    hyper.learning_rate = 0.5;
    hyper.proximal = 0.25;
    EnvironmentSpec spec;
    spec.name = "none";
    spec.observation_size = spec.action_count = spec.time_limit = 1;
    SharedTraining shared(2, sharing, 2, 0, 0, 0, 0, completed(spec));
    shared.anchor = SharedArray<float>(2, "anchor");
    shared.anchor[0] = 4;
    shared.anchor[1] = -2;
    const auto sink = make_worker_sink(hyper, make_shared_optimizer(hyper), shared, 0);
    sink->begin_round();
    std::vector<float> weights(2);
    sink->pull(weights);
    // 1 + 0.25 (0 - 4) = 0, and 1 + 0.25 (0 + 2) = 1.5.
    sink->apply(std::vector<float>{1, 1}, {});
    // The gradient of a learner that has not pulled since is that of the same weights.
    sink->apply(std::vector<float>{3, 0}, {});
    sink->pull(weights);
    CHECK(weights == std::vector<float>{-1, -1});
    // 0.25 (-1 - 4) = -1.25, and 0.25 (-1 + 2) = 0.25.
    sink->apply(std::vector<float>{0, 0}, {});
    sink->pull(weights);
    CHECK(weights == std::vector<float>{-0.375f, -1.125f});
    sink->end_round();
    CHECK(shared.weights[0] == -0.375f);
    CHECK(sink->report().learning.gradient_norm == 0);
  }
}

TEST_CASE("through a gradient server the term is the same, bit for bit") {
  OrchestratorOptions options = options_with(0.5);
  const auto weights = weights_after(options, 3);
  options.hyperparameters.sharing = Sharing::kServer;
  CHECK(weights_after(options, 3) == weights);
  options.servers = 2;
  CHECK(weights_after(options, 3) == weights);
}

TEST_CASE("without a proximal term nothing changes, bit for bit, and neither does a state") {
  // So little that each gradient stays the float that it was.
  for (const char* algorithm : {"a3c", "ppo", "dqn"}) {
    CAPTURE(algorithm);
    CHECK(weights_after(options_with(0, algorithm), 3) == weights_after(options_with(1e-30, algorithm), 3));
    CHECK(weights_after(options_with(0, algorithm), 3) != weights_after(options_with(0.1, algorithm), 3));
  }
  const auto trainer = make(options_with(0));
  trainer->write_weights(weights_of(*trainer));
  trainer->train_round();
  CHECK(!SavedState(*trainer).reader().has("proximal_anchor"));
}

TEST_CASE("a machine stays nearer to what it took from others, with every algorithm") {
  for (const char* algorithm : {"a3c", "ppo", "dqn", "sac", "td3"}) {
    CAPTURE(algorithm);
    // Each step takes back a fifth of the way.
    CHECK(distance_with(options_with(20, algorithm)) < 0.7 * distance_with(options_with(0, algorithm)));
  }
}

TEST_CASE("workers that are processes, and a central learner, are held too", "[forks]") {
  OrchestratorOptions held = options_with(20), free = options_with(0);
  for (OrchestratorOptions* each : {&held, &free}) {
    each->mode = WorkerMode::kProcesses;
    each->workers = 3;
  }
  CHECK(distance_with(held) < 0.7 * distance_with(free));
  for (OrchestratorOptions* each : {&held, &free}) {
    each->learning = Learning::kCentral;
    each->hyperparameters.round_end = RoundEnd::kStep;
  }
  CHECK(distance_with(held) < 0.7 * distance_with(free));
}

TEST_CASE("the anchor is what was written last, and an evaluation leaves it where it is") {
  const OrchestratorOptions options = options_with(0.5);
  const auto expected = weights_after(options, 2);
  SECTION("weights that are only played") {
    const auto trainer = make(options);
    std::vector<float> others(trainer->layout().size(), 0.25f);
    // Before the first round, whose weights are the anchor where nobody has written others.
    for (int i = 0; i < 2; ++i) {
      const auto own = weights_of(*trainer);
      trainer->write_played_weights(others);
      CHECK(weights_of(*trainer) == others);
      trainer->evaluate({.episodes = 3});
      trainer->write_played_weights(own);
      trainer->train_round();
    }
    CHECK(weights_of(*trainer) == expected);
  }
  SECTION("the machine's own weights, written again, are a new anchor") {
    const auto trainer = make(options);
    trainer->train_round();
    trainer->write_weights(weights_of(*trainer));
    trainer->train_round();
    CHECK(weights_of(*trainer) != expected);
  }
}

TEST_CASE("a run that goes on is held to what it was held to") {
  const OrchestratorOptions options = options_with(0.5);
  const auto first = make(options);
  first->train_round();
  const SavedState state(*first);
  const auto weights = weights_of(*first);
  first->train_round();
  SECTION("by the state") {
    const auto resumed = make(options);
    resumed->restore(state.reader());
    resumed->write_played_weights(weights);
    resumed->train_round();
    CHECK(weights_of(*resumed) == weights_of(*first));
    CHECK(SavedState(*resumed).reader().has("proximal_anchor"));
  }
  SECTION("and one whose state has no anchor to the weights that it goes on from") {
    const auto plain = make(options_with(0));
    plain->write_weights(weights);
    const SavedState without(*plain);
    const auto resumed = make(options), expected = make(options);
    for (const auto* each : {&resumed, &expected}) {
      (*each)->restore(without.reader());
      (*each)->write_played_weights(weights);
    }
    expected->write_weights(weights);
    resumed->train_round();
    expected->train_round();
    CHECK(weights_of(*resumed) == weights_of(*expected));
  }
  SECTION("an anchor of another network is refused") {
    CoreOrchestrator larger(target_factory({.choices = {3}, .low = {}, .high = {}}, false),
                            mlp_network({.hidden = {17}}), options);
    CHECK_THROWS_AS(larger.restore(state.reader()), LayoutError);
  }
}

TEST_CASE("a proximal term that cannot be is refused") {
  CHECK_THROWS_AS(make(options_with(-1)), ArgumentError);
  OrchestratorOptions options = options_with(0.1);
  options.hyperparameters.sharing = Sharing::kServer;
  options.shards = [](const ShardLearner&) { return std::unique_ptr<WeightShards>(); };
  CHECK_THROWS_WITH(make(options), Catch::Contains("proximal is 0.1, and the weights live at shards"));
}
