// Algorithms that learn from replay, in every way of sharing, and gradients that are dropped.
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/saveable.h"
#include "genkidama/rl/algorithms.h"
#include "orchestrator/trained.h"
#include "rl/loss_watch.h"
#include "support/catch.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

OrchestratorOptions options_for(const std::string& algorithm, int workers = 2,
                                WorkerMode mode = WorkerMode::kProcesses) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.worker_timeout = Milliseconds{120'000};
  options.replay_capacity = 4'000;
  Hyperparameters& hyper = options.hyperparameters;
  if (algorithm == "dqn") hyper = dqn_hyperparameters();
  hyper.algorithm = algorithm;
  hyper.optimizer = "adam";
  hyper.schedule = Schedule::kConstant;
  hyper.weight_decay = 0;
  hyper.learning_rate = 3e-3;
  hyper.final_learning_rate = 0;
  hyper.gamma = 0.5;
  hyper.reward_scale = 1;
  hyper.n_step = 1;
  hyper.round_end = RoundEnd::kStep;
  hyper.round_steps = 250;
  hyper.learning_starts = 200;
  hyper.minibatch_size = 32;
  hyper.replay_ratio = 1;
  hyper.target_rate = 0.02;
  hyper.epsilon = 0.1;
  hyper.epsilon_steps = 1'000;
  return options;
}

EnvironmentFactory task_of(const std::string& algorithm) {
  if (algorithm == "dqn") return target_factory({.choices = {4}, .low = {}, .high = {}});
  return target_factory({.choices = {}, .low = {-1, 0}, .high = {1, 2}});
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options) {
  return std::make_unique<CoreOrchestrator>(task_of(options.hyperparameters.algorithm),
                                            mlp_network({.hidden = {32}, .activation = Activation::kRelu}),
                                            options);
}

/// Two shards in the process that asks them: slices of a vector, each with an optimizer of its own.
class HeldShards final : public WeightShards {
 public:
  HeldShards(std::vector<float> weights, const Hyperparameters& hyper, std::uint64_t stale_every = 0)
      : weights_(std::move(weights)), optimizer_(make_shared_optimizer(hyper)), stale_every_(stale_every) {
    for (std::size_t i = 0; i < 2; ++i) {
      slices_[i] = weight_slice(weights_.size(), i + 1, 2);
      states_[i].resize(optimizer_->state_size(slices_[i].size()));
    }
  }

  bool join(const std::function<bool()>& keep_waiting) override { return keep_waiting(); }
  std::size_t slices() const override { return 2; }
  ShardReply apply(std::span<const ShardGradient> gradients, const std::function<bool()>&) override {
    ShardReply reply;
    for (const ShardGradient& each : gradients) {
      if (each.versions.size() != 2 || each.versions[0] > steps_) throw ArgumentError("a version to come");
      if (stale_every_ > 0 && ++seen_ % stale_every_ == 0) {
        ++reply.stale;
        continue;
      }
      ++steps_;
      for (std::size_t i = 0; i < 2; ++i) {
        const WeightSlice& slice = slices_[i];
        optimizer_->step_alone(std::span(weights_).subspan(slice.begin, slice.size()),
                               each.values.subspan(slice.begin, slice.size()), states_[i], steps_,
                               each.learning_rate);
      }
    }
    return reply;
  }
  void read(std::span<float> weights, std::span<std::uint64_t> versions) const override {
    std::copy(weights_.begin(), weights_.end(), weights.begin());
    for (std::uint64_t& version : versions) version = steps_;
  }

 private:
  std::vector<float> weights_;
  std::unique_ptr<SharedOptimizer> optimizer_;
  const std::uint64_t stale_every_;
  WeightSlice slices_[2];
  std::vector<float> states_[2];
  std::uint64_t steps_ = 0, seen_ = 0;
};

}  // namespace

TEST_CASE("dqn, sac and td3 learn on two workers in every way of sharing, and the best is 10") {
  for (const std::string algorithm : {"dqn", "sac", "td3"}) {
    for (const auto& [sharing, servers] :
         {std::pair(Sharing::kHogwild, 1), std::pair(Sharing::kMutex, 1), std::pair(Sharing::kLocal, 1),
          std::pair(Sharing::kServer, 1), std::pair(Sharing::kServer, 2)}) {
      CAPTURE(algorithm, sharing_name(sharing), servers);
      OrchestratorOptions options = options_for(algorithm);
      options.hyperparameters.sharing = sharing;
      options.servers = servers;
      const auto trainer = make(options);
      const double before = mean_greedy_return(*trainer);
      std::uint64_t steps = 0;
      for (int i = 0; i < 10; ++i) steps += trainer->train_round().optimizer_steps;
      CHECK(before < 7);
      // Each worker takes a step for each of its environment steps, once there is enough to learn from.
      CHECK(steps > 4'500);
      // Two workers never make the same run twice, so that a run may need more than the ten rounds that most
      // need.
      for (int more = 0; more < 30 && mean_greedy_return(*trainer) <= 8.3; ++more) trainer->train_round();
      CHECK(mean_greedy_return(*trainer) > 8.3);
      CHECK(trainer->worker_restarts() == 0);
    }
  }
}

TEST_CASE("with one worker all ways of sharing come to the same bits, shards among them") {
  for (const std::string algorithm : {"dqn", "sac", "td3"}) {
    CAPTURE(algorithm);
    std::vector<std::vector<float>> weights;
    std::vector<float> first;
    for (const auto& [sharing, servers] :
         {std::pair(Sharing::kHogwild, 1), std::pair(Sharing::kMutex, 1), std::pair(Sharing::kServer, 1),
          std::pair(Sharing::kServer, 2), std::pair(Sharing::kServer, 7)}) {
      OrchestratorOptions options = options_for(algorithm, 1, WorkerMode::kThreads);
      options.hyperparameters.sharing = sharing;
      options.servers = servers;
      const auto trainer = make(options);
      first = weights_of(*trainer);
      for (int i = 0; i < 3; ++i) trainer->train_round();
      weights.push_back(weights_of(*trainer));
    }
    OrchestratorOptions options = options_for(algorithm, 1, WorkerMode::kThreads);
    options.hyperparameters.sharing = Sharing::kServer;
    options.shards = [&](const ShardLearner& learner) {
      CHECK(learner.layout.size() == first.size());
      CHECK_FALSE(learner.policy.network.empty());
      return std::make_unique<HeldShards>(first, options.hyperparameters);
    };
    options.servers = 3;  // has no effect
    const auto trainer = make(options);
    CHECK(trainer->has_shards());
    CHECK(trainer->servers() == 1);
    for (int i = 0; i < 3; ++i) {
      // Whatever is written between two rounds, a round begins with the shards' weights.
      trainer->write_weights(std::vector<float>(first.size()));
      trainer->train_round();
    }
    weights.push_back(weights_of(*trainer));
    CHECK(weights[0] != first);
    for (const auto& each : weights) CHECK(each == weights[0]);
  }
}

TEST_CASE("workers as processes learn through shards, and what these drop is counted") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    OrchestratorOptions options = options_for("dqn", 2, mode);
    Hyperparameters& hyper = options.hyperparameters;
    hyper.sharing = Sharing::kServer;
    const std::vector<float> first = weights_of(*make(options));
    options.shards = [&](const ShardLearner&) { return std::make_unique<HeldShards>(first, hyper, 10); };
    const auto trainer = make(options);
    std::uint64_t stale = 0, steps = 0;
    for (int i = 0; i < 10; ++i) {
      const RoundReport round = trainer->train_round();
      stale += round.stale_gradients;
      steps += round.optimizer_steps;
      CHECK(round.lost_gradients == 0);
      CHECK(round.outlier_gradients == 0);
    }
    CHECK(mean_greedy_return(*trainer) > 8.3);
    CHECK(stale == steps / 10);
  }
}

TEST_CASE("weights at shards need a server, workers that learn, and nothing that is normalised") {
  OrchestratorOptions options = options_for("dqn");
  options.shards = [](const ShardLearner&) -> std::unique_ptr<WeightShards> { return nullptr; };
  CHECK_THROWS_WITH(make(options), Contains("sharing is 'hogwild'") && Contains("expected 'server'"));
  options.hyperparameters.sharing = Sharing::kServer;
  options.hyperparameters.normalise_rewards = true;
  CHECK_THROWS_WITH(make(options), Contains("normalise_rewards is set, and the weights live at shards"));
  options.hyperparameters.normalise_rewards = false;
  options.learning = Learning::kCentral;
  CHECK_THROWS_WITH(make(options), Contains("learning is 'central'"));
  options.learning = Learning::kWorkers;
  options.mode = WorkerMode::kCaller;
  options.workers = 1;
  CHECK_THROWS_WITH(make(options), Contains("sharing is 'server'"));
}

TEST_CASE("shards that cannot be joined end the start, with their reason") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    OrchestratorOptions options = options_for("dqn", 2, mode);
    options.hyperparameters.sharing = Sharing::kServer;
    options.shards = [](const ShardLearner&) -> std::unique_ptr<WeightShards> {
      throw IoError("no link to the shard");
    };
    CHECK_THROWS_WITH(make(options), Contains("the gradient server failed: no link to the shard"));
  }
}

TEST_CASE("the gradient server drops gradients that are too old, and counts them") {
  OrchestratorOptions options = options_for("dqn", 4);
  options.hyperparameters.sharing = Sharing::kServer;
  options.hyperparameters.max_gradient_age = 1;
  const auto trainer = make(options);
  std::uint64_t stale = 0, steps = 0;
  for (int i = 0; i < 4; ++i) {
    const RoundReport round = trainer->train_round();
    stale += round.stale_gradients;
    steps += round.optimizer_steps;
  }
  // Four workers make each gradient up to three steps old.
  CHECK(stale > 0);
  CHECK(stale < steps);
  StateWriter writer;
  trainer->save(writer);
  const Checkpoint state = writer.take();
  CHECK(StateReader(state, "test").u64("stale_gradients") == stale);
  CHECK(trainer->dropped_gradients().stale == stale);
  const auto resumed = make(options);
  CHECK(resumed->dropped_gradients().stale == 0);
  resumed->restore(StateReader(state, "test"));
  CHECK(resumed->dropped_gradients().stale == stale);
  // Nobody else makes a lone worker's gradients old.
  options.workers = 1;
  const auto alone = make(options);
  CHECK(alone->train_round().stale_gradients == 0);
}

TEST_CASE("a worker drops gradients whose loss is far above the mean, and goes on exactly after a resume") {
  OrchestratorOptions options = options_for("dqn", 1, WorkerMode::kThreads);
  options.hyperparameters.max_loss_deviations = 2;
  // So small that losses stay about where they are.
  options.hyperparameters.learning_rate = 1e-6;
  const auto trainer = make(options);
  std::uint64_t outliers = 0, steps = 0;
  Checkpoint state;
  std::vector<float> weights;
  for (int i = 0; i < 6; ++i) {
    if (i == 3) {
      StateWriter writer;
      trainer->save(writer);
      state = writer.take();
      weights = weights_of(*trainer);
    }
    const RoundReport round = trainer->train_round();
    outliers += round.outlier_gradients;
    steps += round.optimizer_steps;
  }
  CHECK(outliers > 0);
  CHECK(outliers < steps / 2);
  const auto resumed = make(options);
  resumed->write_weights(weights);
  resumed->restore(StateReader(state, "test"));
  for (int i = 3; i < 6; ++i) resumed->train_round();
  CHECK(weights_of(*resumed) == weights_of(*trainer));
}

TEST_CASE("outliers are losses far above their mean, after the first hundred") {
  LossWatch young;
  for (int i = 0; i < 100; ++i) CHECK(young.takes(i == 99 ? 1e6 : 1, 2));
  LossWatch watch;
  for (int i = 0; i < 2'000; ++i) CHECK(watch.takes(i % 2, 2));
  CHECK(watch.mean == Approx(0.5).margin(0.05));
  CHECK(watch.takes(1.4, 2));
  CHECK_FALSE(watch.takes(10, 2));
  CHECK_FALSE(watch.takes(std::numeric_limits<double>::quiet_NaN(), 2));
  CHECK_FALSE(watch.takes(std::numeric_limits<double>::infinity(), 2));
  CHECK(is_finite(watch.mean));
  CHECK(watch.mean < 0.6);
  // A lasting change is followed.
  int refused = 0;
  while (!watch.takes(10, 2)) ++refused;
  CHECK(refused < 2'000);
}
