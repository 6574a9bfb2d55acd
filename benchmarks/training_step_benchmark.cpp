// A training step of the bundled networks: forward and backward over a batch. Items are the batch's steps. 64
// is the tuned preset's minibatch. Beside the version of the kernels that this processor gets, each other one
// that it can run is measured, as training_step/portable/mlp64.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "nn/mlp_gradient_function.h"
#include "support/flat_network.h"

namespace genkidama::benchmarks {
namespace {

void training_step(benchmark::State& state, const NamedShape& network, const DenseKernels& kernels) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto function = make_mlp_gradient_function(network.shape, kernels);
  const auto weights = random_floats(network.parameters(), 0.2, 1);
  const auto observations = random_floats(n * kObservationSize, 1, 2);
  const auto logits_gradient = random_floats(n * kActionCount, 0.01, 3);
  const auto values_gradient = random_floats(n, 0.01, 4);
  std::vector<float> logits(n * kActionCount);
  std::vector<float> values(n);
  std::vector<float> gradient(network.parameters());
  for (auto _ : state) {
    function->forward(weights, observations, logits, values);
    function->backward(weights, logits_gradient, values_gradient, gradient);
    benchmark::DoNotOptimize(gradient.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

[[maybe_unused]] const bool registered = [] {
  for (const NamedShape& network : bundled_shapes()) {
    for (const DenseKernels* kernels : runnable_dense_kernels()) {
      const std::string version = kernels == &dense_kernels() ? "" : std::string(kernels->name) + "/";
      auto* step = benchmark::RegisterBenchmark(
          ("training_step/" + version + network.name).c_str(),
          [network, kernels](benchmark::State& state) { training_step(state, network, *kernels); });
      for (const int batch : {20, 64, 120, 1024}) step->Arg(batch);
    }
  }
  return true;
}();

}  // namespace
}  // namespace genkidama::benchmarks
