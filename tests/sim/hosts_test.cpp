// A server and the hosts of its environments in virtual time.
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/sim/simulation.h"
#include "genkidama/wire/environment_frames.h"
#include "machines.h"
#include "sim/pipe.h"
#include "support/catch.h"
#include "support/fake_trainer.h"

using namespace genkidama;
using namespace genkidama::sim;
using namespace genkidama::test;

namespace {

SimulationOptions server_and_hosts(std::size_t hosts, int environments) {
  SimulationOptions options;
  options.cut = Cut::kEnvironments;
  options.environments = environments;
  options.bytes_per_request = 8;
  options.bytes_per_answer = 40;
  options.machines.resize(hosts + 1);
  for (SimulatedMachine& each : options.machines) {
    each.machine.seconds_per_step = 0.003;
    each.machine.seconds_per_inference = 0.001;
    each.machine.seconds_per_gradient = 0.01;
  }
  return options;
}

struct Result {
  SimulationSummary summary;
  std::vector<double> seconds;
};

Result run(const SimulationOptions& options, LongRounds trainer, std::uint64_t updates = 1) {
  Result result;
  Simulation simulation(options, {&trainer});
  result.summary = simulation.run([&](const SimulatedUpdate& update) {
    result.seconds.push_back(update.seconds);
    return update.update < updates;
  });
  return result;
}

double steps_per_second(const SimulationSummary& summary) {
  return static_cast<double>(summary.played.steps) / summary.seconds;
}

}  // namespace

TEST_CASE("a turn of a server lasts as long as its parts, and all that is ready goes together") {
  SimulationOptions options = server_and_hosts(2, 5);
  for (SimulatedMachine& each : options.machines) each.link = {0.05, 100'000, 0, 0};
  // Ten environments are asked 21 times for a step and twice for an episode.
  const auto result = run(options, LongRounds(21, 2, 3));
  const auto crossing = [](std::size_t rows, std::size_t bytes) {
    return 0.05 + 8.0 * static_cast<double>(bytes_on_wire(kEnvironmentHeaderBytes + rows * bytes)) / 100'000;
  };
  const auto turn = [&](std::size_t rows) {
    return crossing(rows, 8) + 0.002 * static_cast<double>(rows) + crossing(rows, 40);
  };
  // Of the last three requests the second host has two.
  CHECK(result.summary.seconds == Approx(0.023 + 2 * turn(5) + turn(2) + 3 * 0.01));
  CHECK(result.summary.turns == 3);
  CHECK(result.summary.computing_seconds == Approx(23 * 0.003 + 3 * 0.01));
  CHECK(result.summary.computing_seconds + result.summary.waiting_seconds ==
        Approx(3 * result.summary.seconds));
  CHECK(result.summary.bytes_down ==
        4 * bytes_on_wire(16 + 5 * 8) + bytes_on_wire(16 + 8) + bytes_on_wire(16 + 16));
  CHECK(result.summary.bytes_up ==
        4 * bytes_on_wire(16 + 5 * 40) + bytes_on_wire(16 + 40) + bytes_on_wire(16 + 80));
}

TEST_CASE("many environments behind a slow link are stepped as many times faster as was measured") {
  // docs/results/seed.md: a LunarLander of 25.6 us a step and episodes of some 90 steps, 20 ms each way, 49.4
  // bytes of frames for a step of 64 environments. There 64 were 58 times as fast as one.
  const auto measured = [](int environments) {
    SimulationOptions options = server_and_hosts(1, environments);
    for (SimulatedMachine& each : options.machines) {
      each.machine.seconds_per_step = 25.6e-6;
      each.machine.seconds_per_inference = 0;
      each.machine.seconds_per_gradient = 0;
      each.link.latency_seconds = 0.02;
    }
    return run(options, LongRounds(9'000, 100)).summary;
  };
  const SimulationSummary one = measured(1), many = measured(64);
  const double ratio = steps_per_second(many) / steps_per_second(one);
  CHECK(ratio > 52);
  CHECK(ratio < 64);
  // The real relay and its crowded machine took longer for each crossing: 19 and 1,138 steps a second.
  CHECK(steps_per_second(one) == Approx(25).epsilon(0.02));
  const double frames = 2.0 * 16 + 64 * 48;
  CHECK(frames / 64 == Approx(48.5));
}

TEST_CASE("the server waits for its slowest host, and a pace holds each environment back") {
  SimulationOptions options = server_and_hosts(3, 4);
  options.machines[2].machine.factor = 10;
  CHECK(run(options, LongRounds(12, 0)).summary.seconds == Approx(12 * 0.001 + 4 * 0.02));
  options.machines[2].machine.factor = 1;
  options.machines[3].machine.steps_per_second = 5;
  CHECK(run(options, LongRounds(24, 0)).summary.seconds == Approx(2 * (12 * 0.001 + 0.2)));
}

TEST_CASE("the server's own link serves one host after the other") {
  SimulationOptions options = server_and_hosts(4, 1);
  options.parent_bits_per_second = 10'000;
  const double asked = 8.0 * static_cast<double>(bytes_on_wire(24)) / 10'000;
  const double answered = 8.0 * static_cast<double>(bytes_on_wire(56)) / 10'000;
  // The first answer is there before the last request is sent; answers are longer, so they queue.
  CHECK(run(options, LongRounds(4, 0)).summary.seconds == Approx(0.004 + asked + 0.002 + 4 * answered));
}

TEST_CASE("a server and its hosts are simulated the same each time, and lost packets cost turns") {
  const auto jittery = [](std::uint64_t seed, double loss) {
    SimulationOptions options = server_and_hosts(3, 8);
    options.seed = seed;
    make_uneven(options, loss);
    return run(options, LongRounds(240, 10, 4), 20);
  };
  const Result one = jittery(1, 0.02), again = jittery(1, 0.02), other = jittery(2, 0.02);
  CHECK(one.seconds == again.seconds);
  CHECK(one.summary.bytes_up == again.summary.bytes_up);
  CHECK(one.seconds != other.seconds);
  CHECK(one.summary.seconds > 1.1 * jittery(1, 0).summary.seconds);
  CHECK(one.summary.computing_seconds + one.summary.waiting_seconds <= 4.0001 * one.summary.seconds);
}

TEST_CASE("a server without hosts, or hosts that come and go, are refused by name") {
  const auto refused = [](const std::function<void(SimulationOptions&)>& change, const char* expected) {
    SimulationOptions options = server_and_hosts(1, 1);
    change(options);
    LongRounds trainer(1, 0);
    CHECK_THROWS_WITH(Simulation(options, {&trainer}), Catch::Contains(expected));
  };
  refused([](auto& options) { options.machines.resize(1); }, "expected a server and at least one host");
  refused([](auto& options) { options.machines[1].machine.seconds_per_inference = 0.004; },
          "machine 2: seconds_per_inference is 0.004; expected a number from 0 to 0.003");
  refused([](auto& options) { options.machines[1].machine.joins_seconds = 1; }, "machine 2 comes or goes");
  refused(
      [](auto& options) {
        options.machines[1].link.connected_seconds = 5, options.machines[1].link.partition_seconds = 60;
      },
      "a partition of 60 s");
  SimulationOptions options = server_and_hosts(1, 1);
  CHECK_THROWS_WITH(Simulation(options, {}), Catch::Contains("0 trainers") && Catch::Contains("needs 1"));
  CHECK(cut_of("environments") == Cut::kEnvironments);
}
