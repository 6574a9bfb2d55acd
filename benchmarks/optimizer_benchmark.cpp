// One step of the shared optimizers, on shared memory and on a worker's own, for the thesis' network, for
// that of the preset tuned, and for a large one; and a pull, which copies the shared weights.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "genkidama/nn/shared_optimizer.h"
#include "support/flat_network.h"

namespace genkidama::benchmarks {
namespace {

// The weights must not drift off while they are stepped millions of times.
constexpr double kLearningRate = 1e-9;

void optimizer_step(benchmark::State& state, const std::string& name) {
  const auto parameters = static_cast<std::size_t>(state.range(0));
  OptimizerOptions options;
  options.optimizer = name;
  const auto optimizer = make_shared_optimizer(options);
  const SharedArray<float> weights(parameters, "weights");
  const SharedArray<float> memory(optimizer->state_size(parameters), "optimizer state");
  relaxed_store(weights.span(), random_floats(parameters, 0.2, 1));
  const auto gradient = random_floats(parameters, 1, 2);
  std::uint64_t step = 0;
  for (auto _ : state) optimizer->step(weights.span(), gradient, memory.span(), ++step, kLearningRate);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void optimizer_step_alone(benchmark::State& state, const std::string& name) {
  const auto parameters = static_cast<std::size_t>(state.range(0));
  OptimizerOptions options;
  options.optimizer = name;
  const auto optimizer = make_shared_optimizer(options);
  auto weights = random_floats(parameters, 0.2, 1);
  std::vector<float> memory(optimizer->state_size(parameters));
  const auto gradient = random_floats(parameters, 1, 2);
  std::uint64_t step = 0;
  for (auto _ : state) optimizer->step_alone(weights, gradient, memory, ++step, kLearningRate);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void pull(benchmark::State& state) {
  const auto parameters = static_cast<std::size_t>(state.range(0));
  const SharedArray<float> shared(parameters, "weights");
  relaxed_store(shared.span(), random_floats(parameters, 0.2, 1));
  std::vector<float> own(parameters);
  for (auto _ : state) {
    relaxed_load(shared.span(), own);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(sizeof(float)));
}

[[maybe_unused]] const bool registered = [] {
  for (const std::string name : {"sgd", "rmsprop", "adam", "adamw"}) {
    benchmark::RegisterBenchmark(("optimizer/" + name).c_str(), optimizer_step, name)
        ->Arg(2'949)
        ->Arg(9'797)
        ->Arg(10'000'000);
    benchmark::RegisterBenchmark(("optimizer_alone/" + name).c_str(), optimizer_step_alone, name)
        ->Arg(2'949)
        ->Arg(9'797);
  }
  benchmark::RegisterBenchmark("pull", pull)->Arg(2'949)->Arg(9'797)->Arg(10'000'000);
  return true;
}();

}  // namespace
}  // namespace genkidama::benchmarks
