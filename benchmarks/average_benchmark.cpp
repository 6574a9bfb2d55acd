// The weighted average against what the memory can do: plain loops in the same program, which take turns with
// it.
//
//   in_place  a = k a + t b: reads two arrays and writes one of them, the same bytes as the average. The
//   floor. triad     a = b + s c: two read, a third written (STREAM's); processors that fetch a line before
//   they write it
//             move a third more than is counted.
//
// Bytes are those that the loop names: 12 for each weight. Both loops are compiled for the widest vectors
// there are. Times are wall times, medians over turns.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "genkidama/params/weighted_average.h"
#include "support/flat_network.h"
#include "support/samples.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define GENKIDAMA_WIDEST_VECTORS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GENKIDAMA_WIDEST_VECTORS
#endif

namespace genkidama::benchmarks {
namespace {

GENKIDAMA_WIDEST_VECTORS void triad(float* a, const float* b, const float* c, float s, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) a[i] = b[i] + s * c[i];
}

GENKIDAMA_WIDEST_VECTORS void in_place(float* a, const float* b, float keep, float take, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) a[i] = keep * a[i] + take * b[i];
}

/// Enough for the clock: about four million weights a turn.
std::size_t repeats_for(std::size_t parameters) {
  return std::max<std::size_t>(1, 4'000'000 / parameters);
}

template <typename Work>
double seconds_each(std::size_t repeats, const Work& work) {
  return wall_seconds([&] {
           for (std::size_t i = 0; i < repeats; ++i) {
             work();
             benchmark::ClobberMemory();
           }
         }) /
         static_cast<double>(repeats);
}

void average_against_memory(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  auto a = random_floats(n, 1, 1);
  auto b = random_floats(n, 1, 2);
  auto c = random_floats(n, 1, 3);
  const std::size_t repeats = repeats_for(n);
  std::vector<double> checked_s, average_s, in_place_s, triad_s;
  benchmark::DoNotOptimize(a.data());
  for (auto _ : state) {
    checked_s.push_back(seconds_each(repeats, [&] { weighted_average(a, b, 0.5); }));
    average_s.push_back(seconds_each(repeats, [&] { average_finite(a, b, 0.5); }));
    in_place_s.push_back(seconds_each(repeats, [&] { in_place(a.data(), b.data(), 0.5f, 0.5f, n); }));
    triad_s.push_back(seconds_each(repeats, [&] { triad(c.data(), a.data(), b.data(), 0.25f, n); }));
    state.SetIterationTime(average_s.back());
  }
  const double gigabytes = 12e-9 * static_cast<double>(n);
  state.counters["average_GB_per_s"] = gigabytes / median(average_s);
  state.counters["in_place_GB_per_s"] = gigabytes / median(in_place_s);
  state.counters["triad_GB_per_s"] = gigabytes / median(triad_s);
  state.counters["ratio"] = median(in_place_s) / median(average_s);
  state.counters["checked_ratio"] = median(in_place_s) / median(checked_s);
  state.counters["ratio_to_triad"] = median(triad_s) / median(average_s);
}

void set_bytes_read(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(sizeof(float)));
}

void search_non_finite(benchmark::State& state) {
  const auto weights = random_floats(static_cast<std::size_t>(state.range(0)), 1, 1);
  for (auto _ : state) benchmark::DoNotOptimize(first_non_finite(weights));
  set_bytes_read(state);
}

void norm(benchmark::State& state) {
  const auto weights = random_floats(static_cast<std::size_t>(state.range(0)), 1, 1);
  for (auto _ : state) benchmark::DoNotOptimize(euclidean_norm(weights));
  set_bytes_read(state);
}

BENCHMARK(average_against_memory)
    ->Name("weighted_average")
    ->Arg(2'949)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Arg(30'000'000)
    ->Iterations(25)  // turns of all three; what is timed is one of them
    ->UseManualTime();
BENCHMARK(search_non_finite)->Name("first_non_finite")->Arg(2'949)->Arg(10'000'000);
BENCHMARK(norm)->Name("euclidean_norm")->Arg(2'949)->Arg(10'000'000);

}  // namespace
}  // namespace genkidama::benchmarks
