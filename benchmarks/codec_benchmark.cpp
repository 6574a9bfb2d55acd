// Weights through each codec: what its encoder and its decoder take, and how many bytes an exchange has.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "genkidama/params/weight_codec.h"
#include "support/flat_network.h"

namespace genkidama::benchmarks {
namespace {

/// So many weights in tensors of 1,024 at most, as those of a small network are.
ParameterLayout layout_of(std::int64_t elements) {
  std::vector<ParameterLayout::Tensor> tensors;
  for (std::int64_t done = 0; done < elements; done += 1024) {
    tensors.push_back({fmt::format("t{}", tensors.size()), {std::min<std::int64_t>(1024, elements - done)}});
  }
  return ParameterLayout(tensors);
}

void set_figures(benchmark::State& state, std::size_t coded) {
  // Of float32, so that codecs can be compared.
  state.SetBytesProcessed(state.iterations() * state.range(1) * static_cast<std::int64_t>(sizeof(float)));
  state.counters["bytes"] = static_cast<double>(coded);
  state.SetLabel(codec_name(kCodecKinds[static_cast<std::size_t>(state.range(0))]));
}

void encode(benchmark::State& state) {
  const CodecKind kind = kCodecKinds[static_cast<std::size_t>(state.range(0))];
  const ParameterLayout layout = layout_of(state.range(1));
  const auto weights = random_floats(layout.size(), 1, 1), moved = random_floats(layout.size(), 1, 2);
  WeightEncoder encoder(kind, layout, CodedContent::kWeights);
  encoder.begin(weights);
  std::vector<std::byte> bytes;
  bool is_even = false;
  for (auto _ : state) {
    encoder.encode(is_even ? weights : moved, bytes, 0);
    is_even = !is_even;
    benchmark::DoNotOptimize(bytes.data());
  }
  set_figures(state, bytes.size());
}

void decode(benchmark::State& state) {
  const CodecKind kind = kCodecKinds[static_cast<std::size_t>(state.range(0))];
  const ParameterLayout layout = layout_of(state.range(1));
  const auto weights = random_floats(layout.size(), 1, 1);
  // A change: no reference, so that the same bytes can be decoded again and again.
  WeightEncoder encoder(kind, layout, CodedContent::kChanges);
  WeightDecoder decoder(kind, layout, CodedContent::kChanges);
  std::vector<std::byte> bytes;
  encoder.encode(weights, bytes, 0);
  for (auto _ : state) {
    std::span<const float> values;
    if (!decoder.decode(kind, bytes, values).empty()) state.SkipWithError("the codec was not understood");
    benchmark::DoNotOptimize(values.data());
  }
  set_figures(state, bytes.size());
}

void all_codecs(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgsProduct({{0, 1, 2, 3, 4, 5}, {2'949, 1'000'000}});
}

BENCHMARK(encode)->Name("codec/encode")->Apply(all_codecs);
BENCHMARK(decode)->Name("codec/decode")->Apply(all_codecs);

}  // namespace
}  // namespace genkidama::benchmarks
