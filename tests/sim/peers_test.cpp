#include "genkidama/sim/peers_simulation.h"

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "sim/quadratic_trainer.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::sim;
using Catch::Contains;

namespace {

std::vector<std::unique_ptr<QuadraticTrainer>> trainers_of(std::size_t count, double noise = 1) {
  QuadraticOptions options;
  options.weights = 20;
  options.noise = noise;
  const auto quadratic = std::make_shared<const Quadratic>(options);
  std::vector<std::unique_ptr<QuadraticTrainer>> trainers;
  for (std::size_t i = 0; i < count; ++i)
    trainers.push_back(std::make_unique<QuadraticTrainer>(quadratic, i + 1));
  return trainers;
}

std::vector<LocalTrainer*> pointers(const std::vector<std::unique_ptr<QuadraticTrainer>>& trainers) {
  std::vector<LocalTrainer*> list;
  for (const auto& each : trainers) list.push_back(each.get());
  return list;
}

PeersSimulationOptions options_of(TopologyKind kind, std::size_t nodes, MixingRule rule) {
  PeersSimulationOptions options;
  options.topology = Topology::make(kind, nodes);
  options.rule = rule;
  SimulatedMachine machine;
  machine.machine.seconds_per_step = 0.01;
  machine.link.latency_seconds = 0.001;
  machine.link.bits_per_second = 1e8;
  options.machines.assign(nodes, machine);
  options.max_seconds = 60;
  return options;
}

/// The distances of all rounds in each second.
struct Curve {
  PeersSummary summary;
  std::vector<double> distance;
  std::vector<std::uint64_t> rounds_of;
};

Curve simulate(const PeersSimulationOptions& options, std::uint64_t most_rounds = ~std::uint64_t{0}) {
  const std::size_t nodes = options.topology.nodes();
  const auto trainers = trainers_of(nodes);
  Curve curve;
  curve.rounds_of.resize(nodes);
  std::vector<double> sums(200), counts(200);
  curve.summary = PeersSimulation(options, pointers(trainers)).run([&](const SimulatedPeerRound& round) {
    ++curve.rounds_of[round.machine];
    const auto second = static_cast<std::size_t>(round.seconds);
    if (second < sums.size()) sums[second] += round.distance, ++counts[second];
    return round.rounds < most_rounds;
  });
  for (std::size_t i = 0; i < sums.size() && counts[i] > 0; ++i)
    curve.distance.push_back(sums[i] / counts[i]);
  return curve;
}

}  // namespace

TEST_CASE("a simulation of peers is the same twice, bit by bit") {
  const auto rule =
      GENERATE(MixingRule::kGala, MixingRule::kDiffusion, MixingRule::kPairs, MixingRule::kPushSum);
  CAPTURE(mixing_name(rule));
  PeersSimulationOptions options = options_of(TopologyKind::kRing, 6, rule);
  for (SimulatedMachine& each : options.machines) each.machine.jitter = 0.3, each.link.loss = 0.01;
  const auto one = trainers_of(6), two = trainers_of(6);
  const auto run = [&](const auto& trainers) {
    return PeersSimulation(options, pointers(trainers)).run([](const SimulatedPeerRound& round) {
      return round.rounds < 300;
    });
  };
  const PeersSummary first = run(one), second = run(two);
  CHECK(first.seconds == second.seconds);
  CHECK(first.bytes == second.bytes);
  CHECK(first.mixed == second.mixed);
  CHECK(first.mixed > 100);
  for (std::size_t i = 0; i < 6; ++i) {
    std::vector<float> a(20), b(20);
    one[i]->read_weights(a);
    two[i]->read_weights(b);
    CHECK(a == b);
  }
}

TEST_CASE("machines that average stay together, and those that do not walk apart") {
  const auto rule =
      GENERATE(MixingRule::kGala, MixingRule::kDiffusion, MixingRule::kPairs, MixingRule::kPushSum);
  CAPTURE(mixing_name(rule));
  PeersSimulationOptions options = options_of(TopologyKind::kTorus, 9, rule);
  const Curve together = simulate(options);
  // Cut from all others, each of them.
  for (std::size_t i = 0; i < 9; ++i) options.partitions.push_back({5, 55, {i}});
  const Curve apart = simulate(options);
  CHECK(apart.summary.links_lost == 18);
  REQUIRE(together.distance.size() > 58);
  REQUIRE(apart.distance.size() > 58);
  // Just after the partition has ended.
  CHECK(apart.distance[55] > 1.5 * together.distance[55]);
  CHECK(apart.distance[59] < 1.5 * together.distance[59]);
}

TEST_CASE(
    "of machines of which all but one are gone the last goes on, and those that return are level soon") {
  const auto rule =
      GENERATE(MixingRule::kGala, MixingRule::kDiffusion, MixingRule::kPairs, MixingRule::kPushSum);
  CAPTURE(mixing_name(rule));
  PeersSimulationOptions options = options_of(TopologyKind::kRing, 4, rule);
  for (std::size_t i = 1; i < 4; ++i) {
    options.machines[i].machine.present_seconds = 20;
    options.machines[i].machine.away_seconds = 20;
  }
  options.max_seconds = 59;
  const Curve curve = simulate(options);
  // 0.16 s a round, and nobody is waited for who is away.
  CHECK(curve.rounds_of[0] > 300);
  CHECK(curve.rounds_of[1] > 200);
  CHECK(4 * curve.rounds_of[1] < 3 * curve.rounds_of[0]);
  CHECK(curve.distance[41] < 2 * curve.distance[18] + 0.05);
}

TEST_CASE("a slow machine holds up those that wait for it, and no others") {
  const auto rounds = [](MixingRule rule) {
    PeersSimulationOptions options = options_of(TopologyKind::kRing, 4, rule);
    options.machines[0].machine.factor = 5;
    const Curve curve = simulate(options);
    return static_cast<double>(curve.rounds_of[2]) / static_cast<double>(curve.rounds_of[0]);
  };
  CHECK(rounds(MixingRule::kDiffusion) < 1.1);
  CHECK(rounds(MixingRule::kPairs) > 4);
  CHECK(rounds(MixingRule::kGala) > 4);
}

TEST_CASE("push-sum keeps the mass of all machines, but for what is on its way") {
  PeersSimulationOptions options = options_of(TopologyKind::kDirectedRing, 5, MixingRule::kPushSum);
  options.partitions.push_back({10, 20, {0, 1}});
  const Curve curve = simulate(options);
  CHECK(curve.summary.mass > 2.4);
  CHECK(curve.summary.mass <= 5 + 1e-9);
}

TEST_CASE("what one machine finds takes as long to reach all as the graph is wide") {
  const auto rounds = [](TopologyKind kind, std::size_t nodes, MixingRule rule = MixingRule::kDiffusion) {
    return diffusion_rounds(mixing_matrix(Topology::make(kind, nodes), rule)).value();
  };
  CHECK(rounds(TopologyKind::kFull, 16) == 1);
  CHECK(rounds(TopologyKind::kRing, 16) > rounds(TopologyKind::kRing, 8));
  CHECK(rounds(TopologyKind::kTorus, 16) < rounds(TopologyKind::kRing, 16));
  CHECK(rounds(TopologyKind::kDirectedRing, 8, MixingRule::kGala) >= 7);
  CHECK_FALSE(diffusion_rounds(mixing_matrix(Topology::parse("0 1\n2 3\n", "halves"), MixingRule::kDiffusion))
                  .has_value());
}

TEST_CASE("impossible simulations of peers are refused") {
  const auto trainers = trainers_of(4);
  const auto refused = [&](const std::function<void(PeersSimulationOptions&)>& change,
                           const std::string& reason) {
    PeersSimulationOptions options = options_of(TopologyKind::kRing, 4, MixingRule::kDiffusion);
    change(options);
    CHECK_THROWS_WITH(PeersSimulation(options, pointers(trainers)), Contains(reason));
  };
  refused([](auto& o) { o.machines.pop_back(); }, "3 machines and 4 trainers");
  refused([](auto& o) { o.topology = Topology::make(TopologyKind::kDirectedRing, 4); }, "send to each other");
  refused([](auto& o) { o.partitions.push_back({5, 5, {0}}); }, "partition from 5 to 5");
  refused([](auto& o) { o.partitions.push_back({5, 6, {4}}); }, "machine 4");
  refused([](auto& o) { o.exchange_timeout_seconds = 0; }, "exchange_timeout_seconds");
  refused([](auto& o) { o.max_staleness = 0; }, "max_staleness");
  refused([](auto& o) { o.machines[1].machine.factor = 0; }, "machine 2");
}
