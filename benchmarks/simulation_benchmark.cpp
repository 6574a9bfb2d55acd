// Merges of a simulated Parent with 10,000 Children, everything included: the Children's rounds, frames,
// events.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "genkidama/sim/simulation.h"
#include "sim/quadratic_trainer.h"

namespace {

using namespace genkidama;

void simulate_merges(benchmark::State& state, ExchangeKind exchange) {
  const auto machines = static_cast<std::size_t>(state.range(0));
  sim::QuadraticOptions quadratic;
  quadratic.learning_rate = 0.1;
  const auto shared = std::make_shared<const sim::Quadratic>(quadratic);
  sim::SimulationOptions options;
  options.exchange.kind = exchange;
  options.exchange.alpha = 1 / static_cast<double>(machines);
  options.exchange.beta = 0.5;
  std::vector<std::unique_ptr<sim::QuadraticTrainer>> trainers;
  std::vector<LocalTrainer*> pointers;
  for (std::size_t i = 0; i < machines; ++i) {
    options.machines.emplace_back();
    options.machines.back().machine.seconds_per_step = 1e-3;
    options.machines.back().link = {1e-3, 1e9};
    trainers.push_back(std::make_unique<sim::QuadraticTrainer>(shared, i));
    pointers.push_back(trainers.back().get());
  }
  constexpr std::uint64_t kRounds = 50;
  std::uint64_t contributions = 0;
  for (auto _ : state) {
    sim::Simulation simulation(options, pointers);
    const std::uint64_t updates = exchange == ExchangeKind::kEach ? kRounds * machines : kRounds;
    contributions +=
        simulation.run([=](const sim::SimulatedUpdate& update) { return update.update < updates; })
            .contributions;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(contributions));
}

void simulate_rounds(benchmark::State& state) {
  simulate_merges(state, ExchangeKind::kRounds);
}
void simulate_each(benchmark::State& state) {
  simulate_merges(state, ExchangeKind::kEach);
}

BENCHMARK(simulate_rounds)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(simulate_each)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
