// Groups of machines, each a learner with its players, whose learners exchange weights with a Parent.
#include <functional>
#include <memory>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/wire/frame.h"
#include "machines.h"
#include "sim/pipe.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::sim;
using namespace genkidama::test;

namespace {

std::unique_ptr<Machines> tree_of(std::size_t machines, std::size_t groups) {
  auto tree = std::make_unique<Machines>(machines, groups);
  tree->options.cut = Cut::kTree;
  tree->options.groups = groups;
  tree->options.bytes_per_step = 100;
  return tree;
}

double on_wire(std::size_t message, double bits_per_second) {
  return 8.0 * static_cast<double>(bytes_on_wire(message)) / bits_per_second;
}

}  // namespace

TEST_CASE("a tree of groups of one machine is the cut at weights, bit for bit") {
  for (const ExchangeKind kind : {ExchangeKind::kRounds, ExchangeKind::kEach}) {
    const auto run = [kind](Machines& machines) {
      machines.options.exchange.kind = kind;
      machines.options.parent_bits_per_second = 1e5;
      for (auto& each : machines.options.machines) {
        each.machine.jitter = 0.5;
        each.link = {0.01, 1e6, 0.02, 0.1};
      }
      machines.options.machines[1].machine.factor = 3;
      return machines.run(20);
    };
    const auto tree = tree_of(3, 3);
    Machines weights(3);
    const SimulationSummary of_tree = run(*tree), of_weights = run(weights);
    CHECK(tree->seconds == weights.seconds);
    CHECK(tree->weights == weights.weights);
    CHECK(of_tree.bytes_up == of_weights.bytes_up);
    CHECK(of_tree.computing_seconds == of_weights.computing_seconds);
    CHECK(of_tree.waiting_seconds == of_weights.waiting_seconds);
  }
}

TEST_CASE("one group learns what the cut at segments does, and takes as long but for the first weights") {
  constexpr double kLatency = 0.001;
  const auto tree = tree_of(4, 1);
  Machines segments(4, 1);
  segments.options.cut = Cut::kSegments;
  segments.options.bytes_per_step = 100;
  for (Machines* each : {tree.get(), &segments}) {
    for (auto& machine : each->options.machines) machine.link.latency_seconds = kLatency;
    each->options.machines[3].machine.factor = 3;
  }
  tree->options.group_links = {LinkModel{}};  // nothing lies between the learner and the Parent
  const SimulationSummary of_tree = tree->run(5), of_segments = segments.run(5);
  REQUIRE(tree->seconds.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    // Players of a tree get the Parent's first weights, which those of segments have from the beginning.
    CHECK(tree->seconds[i] == Approx(segments.seconds[i] + kLatency).epsilon(1e-9));
    for (std::size_t k = 0; k < tree->weights[i].size(); ++k)
      CHECK(tree->weights[i][k] == Approx(segments.weights[i][k]).margin(1e-6));
  }
  CHECK(tree->played == segments.played);
  CHECK(of_tree.computing_seconds == Approx(of_segments.computing_seconds));
  // Segments go up in both, and in a tree a change, too.
  CHECK(of_tree.bytes_up == of_segments.bytes_up + 5 * bytes_on_wire(frame_bytes(16, 8)));
}

TEST_CASE("a round of a tree lasts as long as its parts, on the groups' links and on the machines'") {
  constexpr double kUpper = 10'000, kLower = 40'000;
  const auto tree = tree_of(4, 2);
  for (auto& machine : tree->options.machines) {
    machine.link.bits_per_second = kLower;
    machine.machine.seconds_per_gradient = 0.25;
  }
  tree->options.group_links.assign(2, LinkModel{.latency_seconds = 0.05, .bits_per_second = kUpper});
  for (auto& trainer : tree->trainers) trainer->on_round = [](std::vector<float>&) {};
  const SimulationSummary summary = tree->run(1);
  REQUIRE(summary.contributions == 2);
  CHECK(tree->played == Played{40, 4});
  const double first_weights = 6 * 0.05 + on_wire(frame_bytes(16), kUpper);
  // Half of the 20 steps is sent while it is played, and needs longer than that.
  const double playing =
      on_wire(frame_bytes(16), kLower) + std::max(10 * 0.01, on_wire(80 + 10 * 100, kLower));
  const double change = on_wire(frame_bytes(16, 8), kUpper) + 0.05;
  CHECK(tree->seconds[0] == Approx(first_weights + playing + change));
  CHECK(summary.computing_seconds == Approx(4 * 10 * 0.01));
  // Nobody does anything before the first weights came.
  CHECK(summary.computing_seconds + summary.waiting_seconds ==
        Approx(4 * (tree->seconds[0] - first_weights)));
}

TEST_CASE("a tree is repeated bit for bit, and another seed is another one") {
  const auto run = [](std::uint64_t seed) {
    auto tree = tree_of(6, 2);
    tree->options.seed = seed;
    for (auto& each : tree->options.machines) {
      each.machine.jitter = 0.5;
      each.link = {0.01, 1e6, 0.02, 0.1};
    }
    tree->options.machines[4].machine.factor = 2;
    tree->options.exchange.codec = CodecKind::kInt8Delta;
    tree->run(20);
    return tree;
  };
  const auto one = run(1), again = run(1), other = run(2);
  CHECK(one->seconds == again->seconds);
  CHECK(one->weights == again->weights);
  CHECK(one->seconds != other->seconds);
}

TEST_CASE("computing and waiting are never more than the time of a tree's machines") {
  for (const double limit : {0.05, 0.31, 0.5, 0.77, 1.9}) {
    const auto tree = tree_of(6, 2);
    for (auto& each : tree->options.machines) each.link.latency_seconds = 0.02;
    tree->options.machines[1].machine.factor = 3;
    tree->options.max_seconds = limit;
    const SimulationSummary summary = tree->run(1'000);
    CAPTURE(limit);
    CHECK(summary.seconds == Approx(limit));
    CHECK(summary.computing_seconds + summary.waiting_seconds <= 6 * limit + 1e-9);
    if (limit > 0.3) CHECK(summary.computing_seconds > 0);
  }
}

TEST_CASE("groups that cannot be are refused by name") {
  const auto refused = [](const std::function<void(SimulationOptions&)>& change, const char* expected) {
    const auto tree = tree_of(4, 2);
    change(tree->options);
    CHECK_THROWS_WITH(Simulation(tree->options, tree->pointers()), Catch::Contains(expected));
  };
  refused([](auto& options) { options.groups = 3; }, "groups is 3 with 4 machines; expected a number that");
  refused([](auto& options) { options.groups = 8; }, "groups is 8 with 4 machines");
  refused([](auto& options) { options.groups = 0; }, "groups is 0 with 4 machines");
  refused([](auto& options) { options.groups = 4; }, "the cut 'tree' with 4 machines needs 4");
  refused([](auto& options) { options.group_links.resize(3); }, "group_links has 3 links for 2 groups");
  refused([](auto& options) { options.group_links.assign(2, LinkModel{.loss = 2}); }, "loss is 2");
  refused([](auto& options) { options.machines[3].machine.joins_seconds = 1; }, "machine 4 comes or goes");
}

TEST_CASE("a learner and its players compute and wait as long as there is time for") {
  Machines machines(3, 1);
  machines.options.cut = Cut::kSegments;
  for (auto& each : machines.options.machines) each.link.latency_seconds = 0.2;
  machines.options.machines[0].machine.seconds_per_gradient = 1;
  const SimulationSummary summary = machines.run(2);
  CHECK(summary.computing_seconds + summary.waiting_seconds == Approx(3 * summary.seconds));
}

namespace {

/// Machines, with Parents between them and the topmost one.
Machines in_levels(std::size_t machines, std::size_t groups, ExchangeKind kind) {
  Machines result(machines);
  result.options.groups = groups;
  result.options.exchange.kind = kind;
  result.options.exchange.alpha = 0.5;
  result.options.exchange.beta = 0.5;
  return result;
}

}  // namespace

TEST_CASE("the mean of the middle Parents' means is the mean of all machines") {
  Machines machines = in_levels(4, 2, ExchangeKind::kRounds);
  const auto first = machines.trainers.front()->weights();
  const SimulationSummary summary = machines.run(1);
  REQUIRE(summary.end.empty());
  // Two rounds of two machines each, and one of the two middle Parents.
  CHECK(summary.contributions == 6);
  for (std::size_t i = 0; i < first.size(); ++i) {
    double mean = 0;
    for (std::size_t machine = 0; machine < 4; ++machine) {
      // The weights of the first machine were read before its first round, too, for the Parents.
      const auto& sent = machines.trainers[machine]->sent[machine == 0 ? 1 : 0];
      mean += (static_cast<double>(sent[i]) - static_cast<double>(first[i])) / 4;
    }
    CHECK(machines.weights[0][i] == Approx(static_cast<double>(first[i]) + mean).margin(1e-6));
  }
}

TEST_CASE("machines in levels do not wait for the topmost Parent") {
  Machines machines = in_levels(6, 3, ExchangeKind::kRounds);
  machines.options.group_links.resize(3);
  for (LinkModel& link : machines.options.group_links) link.latency_seconds = 10 * kRound;
  machines.options.max_seconds = 200 * kRound;
  const SimulationSummary summary = machines.run(1'000'000);
  CHECK(summary.end == "max-seconds");
  CHECK(summary.waiting_seconds < 0.01 * summary.computing_seconds);
  // A crossing takes ten rounds, and the answer ten more.
  CHECK(summary.updates > 5);
  CHECK(summary.updates < 12);
}

TEST_CASE("a Parent's own link is shared by its Children only") {
  // Long enough that transfers are what counts.
  const auto seconds_of_updates = [](std::size_t groups) {
    Machines machines = in_levels(16, groups, ExchangeKind::kRounds);
    machines.options.parent_bits_per_second = 10'000;
    machines.options.max_seconds = 1'000;
    const SimulationSummary summary = machines.run(1'000'000);
    return static_cast<double>(machines.played.steps) / summary.seconds;
  };
  CHECK(seconds_of_updates(4) > 2 * seconds_of_updates(1));
}

TEST_CASE("levels are simulated the same way twice, and survive the partitions of a middle Parent") {
  const auto run = [](ExchangeKind kind) {
    auto machines = std::make_unique<Machines>(in_levels(9, 3, kind));
    machines->options.group_links.resize(3);
    machines->options.group_links[1].connected_seconds = 2;
    machines->options.group_links[1].partition_seconds = 100;
    for (auto& each : machines->options.machines) each.machine.jitter = 0.5;
    machines->options.machines[4].machine.present_seconds = 3;
    machines->options.machines[4].machine.away_seconds = 2;
    machines->options.max_seconds = 300;
    const SimulationSummary summary = machines->run(1'000'000);
    CHECK(summary.end == "max-seconds");
    CHECK(summary.links_lost > 2);
    return machines;
  };
  for (const auto kind : {ExchangeKind::kEach, ExchangeKind::kRounds}) {
    const auto a = run(kind), b = run(kind);
    CHECK(a->seconds == b->seconds);
    CHECK(a->weights == b->weights);
    CHECK(a->weights.size() > 100);
  }
}

TEST_CASE("impossible levels are refused") {
  const auto expect = [](Machines machines, const std::string& text) {
    CHECK_THROWS_WITH(Simulation(machines.options, machines.pointers()), Catch::Contains(text));
  };
  expect(in_levels(3, 4, ExchangeKind::kEach),
         "groups is 4 with 3 machines; expected at most one for each machine");
  Machines machines = in_levels(4, 2, ExchangeKind::kEach);
  machines.options.group_links.resize(3);
  expect(std::move(machines), "group_links has 3 links for 2 groups");
}
