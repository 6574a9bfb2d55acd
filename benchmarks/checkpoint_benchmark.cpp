// A checkpoint written (to the disk: the file is synced) and read, in the directory for temporary files.

#include <benchmark/benchmark.h>

#include <vector>

#include "genkidama/params/safetensors.h"
#include "support/flat_network.h"
#include "support/parent_process.h"
#include "support/temporary_directory.h"

namespace genkidama::benchmarks {
namespace {

Checkpoint checkpoint_of(benchmark::State& state) {
  const auto parameters = static_cast<std::size_t>(state.range(0));
  return {flat_layout(parameters), random_floats(parameters, 1, 1), {}};
}

void set_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(sizeof(float)));
}

void write(benchmark::State& state) {
  const test::TemporaryDirectory directory;
  const Checkpoint checkpoint = checkpoint_of(state);
  for (auto _ : state) write_safetensors(directory / "weights.safetensors", checkpoint);
  set_bytes(state);
}

void read(benchmark::State& state) {
  const test::TemporaryDirectory directory;
  write_safetensors(directory / "weights.safetensors", checkpoint_of(state));
  for (auto _ : state) {
    benchmark::DoNotOptimize(read_safetensors(directory / "weights.safetensors").weights.data());
  }
  set_bytes(state);
}

BENCHMARK(write)->Name("checkpoint/write")->Arg(2'949)->Arg(10'000'000)->UseRealTime();
BENCHMARK(read)->Name("checkpoint/read")->Arg(2'949)->Arg(10'000'000)->UseRealTime();

}  // namespace
}  // namespace genkidama::benchmarks
