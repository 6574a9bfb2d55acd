#include "genkidama/sim/simulation.h"

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/wire/frame.h"
#include "machines.h"
#include "sim/pipe.h"
#include "support/catch.h"
#include "support/fake_trainer.h"

using namespace genkidama;
using namespace genkidama::sim;
using namespace genkidama::test;

TEST_CASE("a round is the mean of what the machines have learnt, and lasts as long as its parts") {
  Machines machines(3);
  for (auto& each : machines.options.machines) {
    each.link.latency_seconds = 0.05;
    each.link.bits_per_second = 10'000;
  }
  const auto first = machines.trainers.front()->weights();
  const SimulationSummary summary = machines.run(1);
  REQUIRE(summary.updates == 1);
  REQUIRE(summary.contributions == 3);
  REQUIRE(summary.end.empty());
  CHECK(machines.played == Played{60, 6});
  for (std::size_t i = 0; i < first.size(); ++i) {
    double mean = 0;
    // A machine's weights are those of the only round that it has trained.
    for (const auto& trainer : machines.trainers)
      mean += (static_cast<double>(trainer->sent.back()[i]) - static_cast<double>(first[i])) / 3;
    CHECK(machines.weights[0][i] == Approx(static_cast<double>(first[i]) + mean).margin(1e-6));
  }
  // Five crossings to the hello; weights down; the round; a change up.
  const double down = 8.0 * static_cast<double>(bytes_on_wire(frame_bytes(16))) / 10'000;
  const double up = 8.0 * static_cast<double>(bytes_on_wire(frame_bytes(16, 8))) / 10'000;
  CHECK(machines.seconds[0] == Approx(5 * 0.05 + down + 0.05 + kRound + up + 0.05));
  CHECK(summary.computing_seconds == Approx(3 * kRound));
  CHECK(summary.bytes_up == 3 * bytes_on_wire(frame_bytes(16, 8)));
}

TEST_CASE("the Parent's own link serves one after the other") {
  Machines machines(4);
  machines.options.parent_bits_per_second = 10'000;
  machines.run(1);
  const double down = 8.0 * static_cast<double>(bytes_on_wire(frame_bytes(16))) / 10'000;
  const double up = 8.0 * static_cast<double>(bytes_on_wire(frame_bytes(16, 8))) / 10'000;
  // The first one has its weights after one transfer. Changes are longer, so the others' wait for each other.
  CHECK(machines.seconds[0] == Approx(down + kRound + 4 * up));
}

TEST_CASE("the exchange 'each' merges one Child after the other") {
  Machines machines(2);
  machines.options.exchange.kind = ExchangeKind::kEach;
  machines.options.exchange.alpha = 0.25;
  machines.options.exchange.beta = 0.5;
  machines.options.machines[1].machine.factor = 2;
  const auto first = machines.trainers.front()->weights();
  const SimulationSummary summary = machines.run(3);
  CHECK(machines.seconds == std::vector<double>{kRound, 2 * kRound, 2 * kRound});
  CHECK(summary.contributions == 3);
  const auto& sent = machines.trainers[0]->sent;
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(machines.weights[0][i] == Approx(0.75F * first[i] + 0.25F * sent[1][i]).margin(1e-6));
    // What was sent first, with half of the Parent's answer.
    CHECK(machines.trainers[0]->written[1][i] ==
          Approx(0.5F * (sent[1][i] + machines.weights[0][i])).margin(1e-6));
  }
}

TEST_CASE("the same seed gives the same simulation bit for bit, and another one does not") {
  const auto run = [](std::uint64_t seed) {
    auto machines = std::make_unique<Machines>(5);
    machines->options.seed = seed;
    for (auto& each : machines->options.machines) {
      each.machine.jitter = 0.5;
      each.link = {0.01, 1e6, 0.02, 0.1};
    }
    machines->options.machines[3].machine.present_seconds = 1;
    machines->options.machines[3].machine.away_seconds = 0.7;
    machines->options.exchange.rounds.quorum_share = 0.6;
    machines->run(30);
    return machines;
  };
  const auto one = run(1), again = run(1), other = run(2);
  CHECK(one->seconds == again->seconds);
  CHECK(one->weights == again->weights);
  CHECK(one->seconds != other->seconds);
}

TEST_CASE("a machine that comes and goes neither stops the others nor is counted twice") {
  Machines machines(3);
  machines.options.machines[2].machine.present_seconds = 0.5;
  machines.options.machines[2].machine.away_seconds = 0.5;
  std::uint64_t steps = 0;
  Simulation simulation(machines.options, machines.pointers());
  const SimulationSummary summary = simulation.run([&](const SimulatedUpdate& update) {
    steps = update.played.steps;
    return update.seconds < 10;
  });
  CHECK(summary.links_lost >= 9);
  // The others make five rounds a second and wait for nobody's absence.
  CHECK(summary.updates >= 45);
  // Half of the third one's time.
  CHECK(steps >= 2 * 48 * 20 + 20 * 20);
  CHECK(steps <= 2 * 51 * 20 + 27 * 20);
  CHECK(machines.trainers[2]->rounds >= 20);
}

TEST_CASE("a simulation in which nothing is ever merged ends at its limit, or when it is given up") {
  Machines machines(2);
  for (auto& each : machines.options.machines) {
    each.link.latency_seconds = 1;  // longer than anybody is there
    each.machine.present_seconds = 0.001;
    each.machine.away_seconds = 1;
  }
  machines.options.max_seconds = 50;
  const SimulationSummary limited = machines.run(1);
  CHECK(limited.end == "max-seconds");
  CHECK(limited.seconds == 50);
  CHECK(limited.updates == 0);

  machines.options.max_seconds = 0;
  int asked = 0;
  machines.options.give_up = [&] { return ++asked == 3; };
  CHECK(machines.run(1).end == "signal");
}

TEST_CASE("a simulation ends at its limit also between two updates") {
  Machines machines(1);
  machines.options.max_seconds = 2.5 * kRound;
  const SimulationSummary summary = machines.run(1000);
  CHECK(summary.end == "max-seconds");
  CHECK(summary.seconds == 2.5 * kRound);
  CHECK(summary.updates == 2);
}

TEST_CASE("a codec takes fewer bytes, and what the machines learn stays close to what they learn without") {
  const auto run = [](CodecKind codec, ExchangeKind exchange) {
    auto machines = std::make_unique<Machines>(3);
    machines->options.exchange.kind = exchange;
    machines->options.exchange.alpha = machines->options.exchange.beta = 0.5;
    machines->options.exchange.codec = codec;
    machines->options.machines[1].machine.present_seconds = 0.9;
    machines->options.machines[1].machine.away_seconds = 0.3;
    const SimulationSummary summary = machines->run(20);
    return std::pair(summary, machines->weights.back());
  };
  for (const ExchangeKind exchange : {ExchangeKind::kEach, ExchangeKind::kRounds}) {
    const auto [full, weights] = run(CodecKind::kFloat32, exchange);
    for (const CodecKind codec : kCodecKinds) {
      const auto [summary, coded] = run(codec, exchange);
      CAPTURE(codec_name(codec), exchange_name(exchange));
      CHECK(summary.updates == 20);
      if (codec == CodecKind::kFloat32) {
        CHECK(coded == weights);
      } else {
        CHECK(summary.bytes_up < full.bytes_up);
      }
      // The halves are exact to a thousandth or a hundredth, an eighth of a tensor of 12 to a hundredth.
      if (codec == CodecKind::kTopK) continue;
      for (std::size_t i = 0; i < weights.size(); ++i) CHECK(coded[i] == Approx(weights[i]).margin(0.05));
    }
  }
}

TEST_CASE("a machine that leaves for good is not waited for, and one that joins later takes part") {
  Machines machines(3);
  machines.options.machines[0].machine.leaves_seconds = 0.5;
  machines.options.machines[2].machine.joins_seconds = 1.1;
  machines.run(10);
  CHECK(machines.trainers[0]->rounds <= 3);
  CHECK(machines.trainers[1]->rounds >= 9);
  CHECK(machines.trainers[2]->rounds >= 4);
  CHECK(machines.trainers[2]->written.front() == machines.weights[4]);

  Machines all(2);
  for (auto& each : all.options.machines) each.machine.leaves_seconds = 1;
  const SimulationSummary summary = all.run(1'000);
  CHECK(summary.end == "no machine is left");
  CHECK(summary.seconds == Approx(1));
}

TEST_CASE("a slow machine costs the others a deadline, and its late contribution counts") {
  Machines machines(4);
  for (auto& each : machines.options.machines) each.machine.seconds_per_step = 0.5;  // rounds of 10 s
  machines.options.machines[0].machine.factor = 5;
  const SimulationSummary summary = machines.run(30);
  CHECK(summary.by_deadline >= 1);
  CHECK(summary.late >= 4);
  CHECK(summary.mean_staleness > 0);
  // As long again for the first round; then nobody waits for the slow one.
  CHECK(summary.seconds < 30 * 10 + 2 * 10 + 1);
}

TEST_CASE("a learner with players waits for the slowest, and trains when all segments are there") {
  FakeTrainer trainer;
  SimulationOptions options;
  options.cut = Cut::kSegments;
  options.bytes_per_step = 100;
  for (int i = 0; i < 4; ++i) {
    SimulatedMachine machine;
    machine.machine.seconds_per_step = 0.01;
    machine.link.latency_seconds = 0.001;
    options.machines.push_back(machine);
  }
  options.machines[3].machine.factor = 3;
  std::vector<double> seconds;
  Simulation simulation(options, {&trainer});
  const auto summary = simulation.run([&](const SimulatedUpdate& update) {
    seconds.push_back(update.seconds);
    return update.update < 2;
  });
  const double round = 5 * 0.03;  // a quarter of 20 steps on the slow one
  CHECK(seconds[0] == Approx(round + 0.001));
  CHECK(seconds[1] == Approx(2 * (round + 0.001) + 0.001));
  CHECK(summary.bytes_up == 6 * bytes_on_wire(80 + 500));
  CHECK(summary.bytes_down == 6 * bytes_on_wire(frame_bytes(16)));
  CHECK(summary.played.steps == 40);
}

TEST_CASE("one machine alone needs as long as it computes, or as its pace wants") {
  FakeTrainer trainer;
  SimulationOptions options;
  options.cut = Cut::kAlone;
  options.machines.emplace_back();
  options.machines[0].machine.seconds_per_step = 0.01;
  const auto seconds = [&] {
    Simulation simulation(options, {&trainer});
    return simulation.run([](const SimulatedUpdate&) { return false; }).seconds;
  };
  CHECK(seconds() == Approx(0.2));
  options.machines[0].machine.steps_per_second = 50;
  CHECK(seconds() == Approx(0.4));
  options.environments = 4;
  CHECK(seconds() == Approx(0.2));
}

TEST_CASE("a Child whose weights are not finite ends the simulation with its name") {
  Machines machines(2);
  machines.trainers[1]->on_round = [](std::vector<float>& weights) {
    weights[3] = std::numeric_limits<float>::quiet_NaN();
  };
  CHECK_THROWS_WITH(machines.run(2), Catch::Contains("child-000002") && Catch::Contains("element 3"));
}

TEST_CASE("what cannot be simulated is refused by name") {
  const auto refused = [](const std::function<void(SimulationOptions&)>& change, const char* expected) {
    Machines machines(2);
    change(machines.options);
    CHECK_THROWS_WITH(Simulation(machines.options, machines.pointers()), Catch::Contains(expected));
  };
  const auto machine = [](SimulationOptions& options) -> MachineModel& {
    return options.machines[1].machine;
  };
  refused([](auto& options) { options.machines.clear(); }, "0 machines; expected 1 to");
  refused([&](auto& options) { machine(options).seconds_per_step = -1; },
          "machine 2: seconds_per_step is -1");
  refused([&](auto& options) { machine(options).factor = 0; }, "machine 2: factor is 0");
  refused([&](auto& options) { machine(options).jitter = std::numeric_limits<double>::quiet_NaN(); },
          "jitter");
  refused([&](auto& options) { machine(options).away_seconds = 1; }, "expected both above 0, or neither");
  refused(
      [&](auto& options) {
        machine(options).joins_seconds = 3;
        machine(options).leaves_seconds = 2;
      },
      "it leaves after 2 s and joins after 3 s");
  refused([](auto& options) { options.machines[0].link.loss = 0.7; }, "machine 1: loss is 0.7");
  refused([](auto& options) { options.machines[0].link.bits_per_second = 1; }, "bits_per_second is 1");
  refused([](auto& options) { options.cut = Cut::kAlone; }, "'alone' with 2 machines");
  refused([](auto& options) { options.cut = Cut::kSegments; }, "needs 1");
  refused([](auto& options) { options.exchange.alpha = 2; }, "alpha");
  refused([](auto& options) { options.exchange.overlap = true; }, "overlap");
  refused([](auto& options) { options.exchange.rounds.quorum_share = 0; }, "quorum_share");
  refused(
      [](auto& options) {
        options.exchange.outer_optimizer = {OuterOptimizerKind::kMomentum, {}, 1.5};
      },
      "momentum");
  refused([](auto& options) { options.environments = 0; }, "0 environments");
  refused([](auto& options) { options.max_seconds = -1; }, "max_seconds is -1");
  refused(
      [](auto& options) {
        options.cut = Cut::kSegments;
        options.machines[0].machine.joins_seconds = 1;
      },
      "machine 1 comes or goes");
  Machines machines(1);
  Simulation simulation(machines.options, machines.pointers());
  CHECK_THROWS_WITH(simulation.run({}), Catch::Contains("the observer is empty"));
  CHECK_THROWS_WITH(simulation.run([](const SimulatedUpdate&) { return false; }),
                    Catch::Contains("already called"));
}

TEST_CASE("computing and waiting are never more than the machines' time, wherever a simulation ends") {
  for (const double limit : {0.05, 0.31, 0.5, 0.77, 1.9}) {
    Machines machines(3);
    machines.options.machines[1].machine.factor = 3;
    machines.options.machines[2].machine.present_seconds = 0.3;
    machines.options.machines[2].machine.away_seconds = 0.1;
    machines.options.max_seconds = limit;
    const SimulationSummary summary = machines.run(1'000);
    CAPTURE(limit);
    CHECK(summary.seconds == Approx(limit));
    CHECK(summary.computing_seconds > 0);
    CHECK(summary.computing_seconds + summary.waiting_seconds <= 3 * limit + 1e-9);
    // The slow one does nothing but compute until its first round has ended.
    if (limit <= 0.31) CHECK(summary.computing_seconds >= limit);
  }
}

TEST_CASE("a round that has not ended was computed as far as it went") {
  Machines machines(1);
  machines.options.max_seconds = 0.6 * kRound;
  const SimulationSummary summary = machines.run(1);
  CHECK(summary.updates == 0);
  CHECK(summary.computing_seconds == Approx(0.6 * kRound));
  CHECK(summary.waiting_seconds == 0);
}
