// The replay buffer: one step stored, and batches of 128 read.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

#include "genkidama/ipc/replay_buffer.h"
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

BENCHMARK(store)->Name("replay/store");
BENCHMARK(with_replacement)->Name("replay/sample_with_replacement/128");
BENCHMARK(without_replacement)->Name("replay/sample_without_replacement/128");
BENCHMARK(in_time_order)->Name("replay/in_time_order/128");

}  // namespace
}  // namespace genkidama::benchmarks
