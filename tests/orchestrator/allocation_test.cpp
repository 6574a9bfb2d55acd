// A worker in its steady state asks for no memory. A program of its own: it counts every operator new.
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "genkidama/env/lunar_lander.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/policy.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

namespace {

std::atomic<std::uint64_t> allocations_of_workers{0};
// The lead reports rounds in vectors; only the workers' threads are counted.
thread_local bool is_lead = false;

void* allocate(std::size_t size) {
  if (!is_lead) allocations_of_workers.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// LunarLander, cut off after so few steps that all episodes are equally long and no buffer has to grow.
class ShortFlight : public Environment {
 public:
  const EnvironmentSpec& spec() const override { return lander_->spec(); }
  Observation reset(std::uint64_t seed) override {
    steps_ = 0;
    return lander_->reset(seed);
  }
  StepResult step(Action action) override {
    StepResult result = lander_->step(action);
    result.truncated = ++steps_ == 40;
    return result;
  }

 private:
  std::unique_ptr<Environment> lander_ = make_lunar_lander();
  int steps_ = 0;
};

std::uint64_t allocations_in_steady_state(const Hyperparameters& hyperparameters,
                                          const NetworkFactory& network) {
  is_lead = true;
  OrchestratorOptions options;
  options.mode = WorkerMode::kThreads;
  options.workers = 2;
  options.hyperparameters = hyperparameters;
  options.replay_capacity = 1000;
  CoreOrchestrator trainer([] { return std::make_unique<ShortFlight>(); }, network, options);
  for (int i = 0; i < 20; ++i) trainer.train_round();
  // The buffers were made just now, in the workers: if not even that was counted, nothing is.
  REQUIRE(allocations_of_workers > 0);
  const auto before = allocations_of_workers.load();
  std::uint64_t steps = 0;
  for (int i = 0; i < 20; ++i) steps += trainer.train_round().optimizer_steps;
  REQUIRE(steps >= 40);
  return allocations_of_workers - before;
}

}  // namespace

TEST_CASE("a sample of the replay buffer asks for no memory once its batch has had the room") {
  is_lead = false;
  ReplayBuffer buffer(64, 40, 3, 2);
  const std::vector<float> observation{1, 2, 3}, action{4, 5};
  for (int i = 0; i < 64 * 30; ++i) buffer.store(i % 64, {observation, action, 6, observation, false, false});
  Random random(1);
  TransitionBatch batch;
  buffer.sample_with_replacement(random, 2000, batch);
  const std::uint64_t before = allocations_of_workers;
  REQUIRE(before > 0);
  for (int i = 0; i < 20; ++i) {
    buffer.sample_with_replacement(random, 2000, batch);
    buffer.sample_without_replacement(random, 512, batch);
  }
  const std::uint64_t after = allocations_of_workers;
  CHECK(after == before);
}

TEST_CASE("a worker with the thesis' loss allocates nothing while it plays and learns") {
  Hyperparameters hyperparameters;
  hyperparameters.batch_size = 15;
  REQUIRE(allocations_in_steady_state(hyperparameters, thesis_network()) == 0);
  hyperparameters.optimizer = "rmsprop";
  hyperparameters.environments_per_worker = 3;
  REQUIRE(allocations_in_steady_state(hyperparameters, thesis_network()) == 0);
}

TEST_CASE("a worker with PPO's loss allocates nothing while it plays and learns") {
  Hyperparameters hyperparameters = tuned_hyperparameters();
  hyperparameters.schedule = LearningRateSchedule::kConstant;
  hyperparameters.round_steps = 400;
  REQUIRE(allocations_in_steady_state(hyperparameters, mlp_network()) == 0);
}

TEST_CASE("a policy from a file allocates nothing while it acts") {
  const TemporaryDirectory directory;
  const auto lander = make_lunar_lander();
  const auto network = mlp_network()(actor_critic_network(lander->spec()), 1);
  write_safetensors(directory / "p", {network->layout(), network->first_weights(), {}});
  for (const Acting acting : {Acting::kGreedy, Acting::kSampling}) {
    is_lead = false;
    const auto none = allocations_of_workers.load();
    Policy policy = load_policy(directory / "p", {.acting = acting});
    const auto observation = lander->reset(1);
    REQUIRE(allocations_of_workers > none);  // it is counted
    const auto before = allocations_of_workers.load();
    float sum = 0;
    for (int i = 0; i < 100; ++i) sum += policy.act(observation)[0];
    const auto after = allocations_of_workers.load();
    CHECK(after == before);
    CHECK(sum >= 0);
  }
}
