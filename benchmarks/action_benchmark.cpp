// Choosing one action with the bundled networks: their logits or value, then the choice.

#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "genkidama/rl/behaviour.h"
#include "support/flat_network.h"

namespace genkidama::benchmarks {
namespace {

constexpr std::size_t kObservations = 64;  // a power of 2
constexpr std::size_t kBatch = 8;

class Fixture {
 public:
  explicit Fixture(const NamedShape& network)
      : function(make_mlp_policy_function(network.shape)),
        weights(random_floats(network.parameters(), 0.2, 1)),
        observations_(random_floats(kObservations * kObservationSize, 1, 2)) {}

  std::span<const float> next(std::size_t count = 1) {
    const std::size_t first = next_;
    next_ = (next_ + count) % kObservations;
    return std::span<const float>(observations_).subspan(first * kObservationSize, count * kObservationSize);
  }

  std::unique_ptr<PolicyFunction> function;
  std::vector<float> weights;
  std::array<float, kBatch * kActionCount> logits{};

  float act(std::span<const float> outputs, Acting acting) {
    behaviour_->act(outputs, {}, acting, random_, action_, log_probability_);
    return action_[0];
  }

 private:
  std::unique_ptr<Behaviour> behaviour_ = categorical();
  Random random_{3};
  std::array<float, 1> action_{};
  float log_probability_ = 0;
  std::vector<float> observations_;
  std::size_t next_ = 0;
};

void greedy(benchmark::State& state, const NamedShape& network) {
  Fixture f(network);
  const auto logits = std::span(f.logits).first(kActionCount);
  for (auto _ : state) {
    f.function->logits(f.weights, f.next(), logits);
    benchmark::DoNotOptimize(f.act(logits, Acting::kGreedy));
  }
}

void sample(benchmark::State& state, const NamedShape& network) {
  Fixture f(network);
  const auto logits = std::span(f.logits).first(kActionCount);
  for (auto _ : state) {
    f.function->logits(f.weights, f.next(), logits);
    benchmark::DoNotOptimize(f.act(logits, Acting::kSampling));
  }
}

void value(benchmark::State& state, const NamedShape& network) {
  Fixture f(network);
  for (auto _ : state) benchmark::DoNotOptimize(f.function->value(f.weights, f.next()));
}

void logits_of_8(benchmark::State& state, const NamedShape& network) {
  Fixture f(network);
  for (auto _ : state) {
    f.function->logits_of_batch(f.weights, f.next(kBatch), kBatch, f.logits);
    benchmark::DoNotOptimize(f.logits.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}

/// The choice alone.
void sample_only(benchmark::State& state) {
  Fixture f(bundled_shapes().front());
  const auto logits = std::span(f.logits).first(kActionCount);
  f.function->logits(f.weights, f.next(), logits);
  for (auto _ : state) {
    benchmark::DoNotOptimize(logits.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(f.act(logits, Acting::kSampling));
  }
}

[[maybe_unused]] const bool registered = [] {
  for (const NamedShape& network : bundled_shapes()) {
    const std::string prefix = std::string("action/") + network.name;
    benchmark::RegisterBenchmark((prefix + "/greedy").c_str(), greedy, network);
    benchmark::RegisterBenchmark((prefix + "/sample").c_str(), sample, network);
    benchmark::RegisterBenchmark((prefix + "/value").c_str(), value, network);
    benchmark::RegisterBenchmark((prefix + "/logits_of_8").c_str(), logits_of_8, network);
  }
  benchmark::RegisterBenchmark("action/sample_from_logits", sample_only);
  return true;
}();

}  // namespace
}  // namespace genkidama::benchmarks
