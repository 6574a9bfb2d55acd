// Links that nothing crosses for a while, although both ends are there.
#include "sim/partitions.h"

#include <functional>
#include <limits>
#include <memory>

#include "genkidama/core/error.h"
#include "machines.h"
#include "sim/event_queue.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::sim;
using namespace genkidama::test;

namespace {

Clock::time_point at(double seconds) {
  return kBeginning + span_of(seconds);
}

LinkModel cut_link(double connected, double partition) {
  LinkModel link;
  link.connected_seconds = connected;
  link.partition_seconds = partition;
  return link;
}

}  // namespace

TEST_CASE("what is sent in a partition arrives when TCP sends it again, and the rest is as it was") {
  const Partitions partitions(cut_link(5, 1));
  const auto arrival = [&](double sent, double due) {
    return seconds_of(partitions.arrival(at(sent), at(due)) - kBeginning);
  };
  CHECK(arrival(1, 2) == Approx(2));
  CHECK(arrival(4, 5) == Approx(5));  // the last byte just gets through
  // Tries after 0.2, 0.6, 1.4 s: the third one comes through.
  CHECK(arrival(5, 5.1) == Approx(6.5));
  CHECK(arrival(5.5, 5.6) == Approx(5.5 + 0.6 + 0.1));
  // Half of it was there before.
  CHECK(arrival(4.5, 5.5) == Approx(5 + 1.4 + 0.5));
  CHECK(arrival(6, 6.1) == Approx(6.1));
  // The second partition is in its way, too: 5 + 1.4 + 5.6 are 12, when the link works again.
  CHECK(arrival(4, 11.5) == Approx(11 + 1.4 + (11.5 - 5 - 4.6)));
  CHECK(seconds_of(partitions.connected_at(at(3)) - kBeginning) == Approx(3));
  CHECK(seconds_of(partitions.connected_at(at(5)) - kBeginning) == Approx(6));
  CHECK(seconds_of(partitions.connected_at(at(11.9)) - kBeginning) == Approx(12));
  const Partitions none{LinkModel{}};
  CHECK(none.arrival(at(1), at(1e6)) == at(1e6));
  CHECK(none.connected_at(at(7)) == at(7));
  CHECK_FALSE(none.break_links());
  // Something comes of a link that hardly ever works, and it takes long.
  CHECK(Partitions(cut_link(1e-9, 10)).arrival(at(0), at(1)) > at(1e4));
}

TEST_CASE("a link is lost in a partition that outlasts the silence that both ends take") {
  CHECK_FALSE(Partitions(cut_link(5, 1)).break_links());
  // TCP tries after 6.2 s and then after 12.6 s.
  CHECK_FALSE(Partitions(cut_link(5, 12.5)).break_links());
  CHECK(Partitions(cut_link(5, 13)).break_links());
  CHECK(Partitions(cut_link(5, 60)).lost_at(at(2)) == at(20));
  CHECK(Partitions(cut_link(5, 60)).lost_at(at(66)) == at(65 + 5 + 15));
}

TEST_CASE("a short partition stalls a link, and no Child is lost") {
  const auto run = [](const LinkModel& link) {
    auto machines = std::make_unique<Machines>(2);
    machines->options.machines[1].link = link;
    CHECK(machines->run(20).links_lost == 0);
    return machines;
  };
  const auto whole = run({}), stalled = run(cut_link(1.05, 0.5));
  // Five rounds end before the first partition, in which the sixth one's change is on its way.
  for (std::size_t i = 0; i < 5; ++i) CHECK(stalled->seconds[i] == whole->seconds[i]);
  CHECK(stalled->seconds[5] > whole->seconds[5] + 0.3);
  // Both machines are there in each of the first rounds, before one of them is taken for slow.
  CHECK(stalled->weights[5] == whole->weights[5]);
}

TEST_CASE("a partition that outlasts the links' patience is an absence of the link, not of the machine") {
  Machines machines(3);
  for (auto& each : machines.options.machines) each.machine.seconds_per_step = 0.05;  // rounds of 1 s
  machines.options.machines[2].link = cut_link(10, 40);
  machines.options.max_seconds = 200;
  const SimulationSummary summary = machines.run(10'000);
  CHECK(summary.end == "max-seconds");
  // At 25, 75, 125 and 175 s.
  CHECK(summary.links_lost == 4);
  // The others wait for it until a deadline, and then not until the link is lost.
  CHECK(summary.updates > 150);
  // It plays on meanwhile, but for the 15 s after each cut in which it waits for an answer.
  CHECK(machines.trainers[2]->rounds >= 200 - 4 * 17);
  CHECK(machines.trainers[2]->rounds <= 200);
  // It goes on in its session: each change that it sends is of all that it has played since the last one.
  CHECK(summary.contributions > 2 * summary.updates);
}

TEST_CASE("partitions are the same in every run of a seed") {
  const auto run = [](ExchangeKind kind) {
    auto machines = std::make_unique<Machines>(4);
    machines->options.exchange.kind = kind;
    for (auto& each : machines->options.machines) {
      each.machine.jitter = 0.5;
      each.link = cut_link(1, 0.3);
      each.link.jitter_seconds = 0.02;
    }
    machines->options.machines[1].link = cut_link(3, 30);
    machines->options.machines[2].machine.present_seconds = 2;
    machines->options.machines[2].machine.away_seconds = 1;
    machines->run(100);
    return machines;
  };
  for (const ExchangeKind kind : {ExchangeKind::kRounds, ExchangeKind::kEach}) {
    const auto one = run(kind), again = run(kind);
    CHECK(one->seconds == again->seconds);
    CHECK(one->weights == again->weights);
  }
}

TEST_CASE("a learner waits for what a partition of its player's link holds back") {
  const auto seconds = [](const LinkModel& link) {
    Machines machines(2, 1);
    machines.options.cut = Cut::kSegments;
    machines.options.bytes_per_step = 100;
    machines.options.machines[1].link = link;
    machines.run(10);
    return machines.seconds;
  };
  const auto whole = seconds({}), stalled = seconds(cut_link(0.35, 0.5));
  // Rounds of 0.1 s, the fourth of which is held back.
  CHECK(stalled[2] == whole[2]);
  CHECK(stalled[3] >= 0.85);
  CHECK(stalled[3] <= 0.35 + 1.4 + 0.1);
}

TEST_CASE("partitions that cannot be simulated are refused by name") {
  const auto refused = [](Cut cut, const LinkModel& link, const char* expected) {
    Machines machines(2, cut == Cut::kWeights ? 2 : 1);
    machines.options.cut = cut;
    machines.options.machines[1].link = link;
    CHECK_THROWS_WITH(Simulation(machines.options, machines.pointers()), Catch::Contains(expected));
  };
  refused(Cut::kWeights, cut_link(1, 0), "machine 2: connected_seconds is 1 and partition_seconds 0");
  refused(Cut::kWeights, cut_link(0, 1), "expected both above 0, or neither");
  refused(Cut::kWeights, cut_link(1, -1), "machine 2: partition_seconds is -1");
  refused(Cut::kWeights, cut_link(std::numeric_limits<double>::quiet_NaN(), 1), "connected_seconds is nan");
  refused(Cut::kSegments, cut_link(5, 60), "machine 2: a partition of 60 s");
}
