// An optimizer step of SAC from a replay buffer on one core: drawing, the critics, the policy and the
// temperature, Adam, and the target. libtorch_benchmark.cpp has the same step for LibTorch's modules. The
// observation has 3 numbers and the action one, as Pendulum's.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/nn/networks.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/rl/learner.h"

namespace genkidama::benchmarks {
namespace {

/// A worker's own weights and optimizer.
class OwnSink final : public GradientSink {
 public:
  explicit OwnSink(std::span<const float> weights)
      : optimizer_(make_shared_optimizer({.optimizer = "adam"})),
        weights_(weights.begin(), weights.end()),
        state_(optimizer_->state_size(weights.size())) {}
  void apply(std::span<const float> gradient, const LearningStatistics&) override {
    optimizer_->step_alone(weights_, gradient, state_, ++steps_, 1e-3);
  }
  void pull(std::span<float> weights) override {
    std::copy(weights_.begin(), weights_.end(), weights.begin());
  }
  std::uint64_t policy_version() const override { return steps_; }

 private:
  std::unique_ptr<SharedOptimizer> optimizer_;
  std::vector<float> weights_, state_;
  std::uint64_t steps_ = 0;
};

void sac_step(benchmark::State& state, const std::vector<int>& hidden) {
  EnvironmentSpec environment{"pendulum", 3, 0, 200};
  environment.action_space.low = {-2};
  environment.action_space.high = {2};
  environment = completed(environment);
  Hyperparameters h = sac_hyperparameters();
  h.minibatch_size = static_cast<int>(state.range(0));
  h.learning_starts = 0;
  h.n_step = 1;
  const auto algorithm = sac(h);
  const NetworkSpec spec = algorithm->network(environment);
  LocalNetwork network(
      make_network(mlp_network({.hidden = hidden, .activation = Activation::kRelu}), spec, 1), spec);
  ReplayBuffer buffer(1, 20'000, 3);
  OwnSink sink(network.weights());
  std::vector<float> shared(algorithm->shared_state_size(network.weights().size()));
  const auto learner = algorithm->make_learner({.environment = environment,
                                                .network = network,
                                                .sink = sink,
                                                .shared_state = shared,
                                                .replay = &buffer});
  Random random(1);
  const auto store = [&] {
    std::vector<float> numbers(8);
    for (float& number : numbers) number = static_cast<float>(random.uniform(-1, 1));
    buffer.store(0, {std::span(numbers).first(3),
                     {&numbers[3], 1},
                     numbers[4],
                     std::span(numbers).subspan(5, 3),
                     false,
                     false,
                     {}});
  };
  for (int i = 0; i < 10'000; ++i) store();
  learner->begin_round(Random(2));
  for (auto _ : state) {
    store();
    learner->learn_segment({});
  }
  if (sink.policy_version() < static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("no steps");
}

[[maybe_unused]] const bool registered = [] {
  benchmark::RegisterBenchmark("sac_step/mlp64", sac_step, std::vector<int>{64, 64})->Arg(100)->Arg(256);
  benchmark::RegisterBenchmark("sac_step/mlp256", sac_step, std::vector<int>{256, 256})->Arg(256);
  return true;
}();

}  // namespace
}  // namespace genkidama::benchmarks
