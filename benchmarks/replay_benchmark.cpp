// The replay buffer: one step stored, batches of 128 read, and minibatches of 64 drawn for a learner.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/ipc/replay_sampler.h"
#include "support/flat_network.h"

namespace genkidama::benchmarks {
namespace {

constexpr std::size_t kCapacity = 100'000;
constexpr std::size_t kBatch = 128;
constexpr int kCores = 2;
constexpr std::array<float, 1> kAction{1};

void fill(ReplayBuffer& buffer) {
  const auto observation = random_floats(kObservationSize, 1, 1);
  for (int core = 0; core < kCores; ++core) {
    for (std::size_t i = 0; i < kCapacity; ++i)
      buffer.store(core, {observation, kAction, 0.5f, observation, false, false});
  }
}

void store(benchmark::State& state) {
  ReplayBuffer buffer(kCores, kCapacity, static_cast<int>(kObservationSize));
  const auto observation = random_floats(kObservationSize, 1, 1);
  for (auto _ : state) buffer.store(0, {observation, kAction, 0.5f, observation, false, false});
}

template <typename Read>
void read_batches(benchmark::State& state, const Read& read) {
  ReplayBuffer buffer(kCores, kCapacity, static_cast<int>(kObservationSize));
  fill(buffer);
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(read(buffer, random).observations.data());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}

void with_replacement(benchmark::State& state) {
  read_batches(state, [](const ReplayBuffer& buffer, Random& random) {
    return buffer.sample_with_replacement(random, kBatch);
  });
}

void without_replacement(benchmark::State& state) {
  read_batches(state, [](const ReplayBuffer& buffer, Random& random) {
    return buffer.sample_without_replacement(random, kBatch);
  });
}

void in_time_order(benchmark::State& state) {
  read_batches(state, [](const ReplayBuffer& buffer, Random&) { return buffer.in_time_order(0, kBatch); });
}

constexpr int kWorkers = 8;
constexpr std::size_t kMillionth = 1'000'000 / kWorkers;
constexpr std::size_t kMinibatch = 64;

/// A million rows in the shares of eight workers, with priorities that differ.
ReplayBuffer& full_buffer() {
  static ReplayBuffer* const buffer = [] {
    auto* made = new ReplayBuffer(kWorkers, kMillionth, static_cast<int>(kObservationSize), 1, 0, true);
    Random random(1);
    std::vector<float> observation = random_floats(kObservationSize, 1, 1), next = observation;
    for (int core = 0; core < kWorkers; ++core) {
      for (std::size_t i = 0; i < kMillionth; ++i) {
        next[0] += 1;
        made->store(core, {observation, kAction, 0.5f, next, i % 200 == 199, false});
        made->set_priority({core, i}, static_cast<float>(random.uniform(0.1, 1)));
        observation = next;
      }
    }
    return made;
  }();
  return *buffer;
}

/// As a learner of each worker does at once: three steps a row, and new priorities for what was drawn.
void by_priority(benchmark::State& state, bool writes) {
  ReplaySampler sampler(full_buffer(), {.steps = 3, .gamma = 0.99});
  Random random(static_cast<std::uint64_t>(state.thread_index()) + 1);
  ReplayBatch batch;
  std::vector<float> priorities(kMinibatch, 0.5f);
  for (auto _ : state) {
    sampler.sample_by_priority(random, kMinibatch, 0.5, batch);
    benchmark::DoNotOptimize(batch.rewards.data());
    if (writes) sampler.write_priorities(batch, priorities);
  }
}

void sample_by_priority(benchmark::State& state) {
  by_priority(state, false);
}

void sample_and_write(benchmark::State& state) {
  by_priority(state, true);
}

void sample_uniformly(benchmark::State& state) {
  ReplaySampler sampler(full_buffer(), {.steps = 3, .gamma = 0.99});
  Random random(1);
  ReplayBatch batch;
  for (auto _ : state) sampler.sample(random, kMinibatch, batch);
}

BENCHMARK(sample_uniformly)->Name("replay/sample_of_million/64");
BENCHMARK(sample_by_priority)->Name("replay/by_priority_of_million/64")->Threads(1)->Threads(kWorkers);
BENCHMARK(sample_and_write)
    ->Name("replay/by_priority_and_write_of_million/64")
    ->Threads(1)
    ->Threads(kWorkers);
BENCHMARK(store)->Name("replay/store");
BENCHMARK(with_replacement)->Name("replay/sample_with_replacement/128");
BENCHMARK(without_replacement)->Name("replay/sample_without_replacement/128");
BENCHMARK(in_time_order)->Name("replay/in_time_order/128");

}  // namespace
}  // namespace genkidama::benchmarks
