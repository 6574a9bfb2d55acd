// Weights to the bytes of a frame and back, checksum included; against a plain copy.

#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "genkidama/wire/frame.h"
#include "support/flat_network.h"

namespace genkidama::benchmarks {
namespace {

void set_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(sizeof(float)));
}

void encode(benchmark::State& state) {
  const auto weights = random_floats(static_cast<std::size_t>(state.range(0)), 1, 1);
  FrameHeader header;
  std::vector<std::byte> frame;
  encode_frame(header, weights, frame);  // the memory is there from now on
  for (auto _ : state) {
    ++header.sequence;
    encode_frame(header, weights, frame);
    benchmark::DoNotOptimize(frame.data());
  }
  set_bytes(state);
}

void decode(benchmark::State& state) {
  auto weights = random_floats(static_cast<std::size_t>(state.range(0)), 1, 1);
  std::vector<std::byte> frame;
  encode_frame({}, weights, frame);
  for (auto _ : state) {
    if (!decode_frame(frame, weights)) state.SkipWithError("the frame was not understood");
    benchmark::ClobberMemory();
  }
  set_bytes(state);
}

void copy(benchmark::State& state) {
  const auto from = random_floats(static_cast<std::size_t>(state.range(0)), 1, 1);
  auto to = from;
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size() * sizeof(float));
    benchmark::ClobberMemory();
  }
  set_bytes(state);
}

BENCHMARK(encode)->Name("frame/encode")->Arg(2'949)->Arg(10'000'000);
BENCHMARK(decode)->Name("frame/decode")->Arg(2'949)->Arg(10'000'000);
BENCHMARK(copy)->Name("frame/plain_copy")->Arg(2'949)->Arg(10'000'000);

}  // namespace
}  // namespace genkidama::benchmarks
