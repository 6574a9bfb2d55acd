// Learners whose weights are at shards, in virtual time.
#include <functional>

#include "genkidama/core/error.h"
#include "genkidama/sim/simulation.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/shard_frames.h"
#include "machines.h"
#include "sim/pipe.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::sim;
using namespace genkidama::test;

namespace {

SimulationOptions learners(std::size_t count, std::size_t shards) {
  SimulationOptions options;
  options.cut = Cut::kGradients;
  options.shards = shards;
  options.machines.resize(count);
  for (SimulatedMachine& each : options.machines) {
    each.machine.seconds_per_step = 0.001;
    each.machine.seconds_per_gradient = 0.01;
  }
  return options;
}

SimulationSummary run(const SimulationOptions& options, std::uint64_t gradients, std::uint64_t updates = 1) {
  LongRounds trainer(40, 1, gradients);
  Simulation simulation(options, {&trainer});
  return simulation.run([&](const SimulatedUpdate& update) { return update.update < updates; });
}

std::size_t elements() {
  return small_layout().size();
}

}  // namespace

TEST_CASE("without a link's time learners share what a round takes") {
  CHECK(run(learners(1, 1), 4).seconds == Approx(0.04 + 4 * 0.01));
  CHECK(run(learners(2, 1), 4, 3).seconds == Approx(3 * (0.02 + 2 * 0.01)));
  // Five gradients of two learners: one of them has three.
  const auto uneven = run(learners(2, 2), 5);
  CHECK(uneven.seconds == Approx(0.02 + 3 * 0.01));
  CHECK(uneven.computing_seconds == Approx(0.04 + 5 * 0.01));
  CHECK(uneven.computing_seconds + uneven.waiting_seconds == Approx(2 * uneven.seconds));
}

TEST_CASE("each gradient crosses the link and comes back as weights before the next one is computed") {
  SimulationOptions options = learners(1, 1);
  options.machines[0].link = {0.05, 1e6, 0, 0};
  const std::size_t up = bytes_on_wire(kFrameHeaderBytes + gradients_bytes(1, elements())),
                    down = bytes_on_wire(frame_bytes(elements(), fates_bytes(1)));
  const auto summary = run(options, 3);
  CHECK(summary.bytes_up == 3 * up);
  CHECK(summary.bytes_down == 3 * down);
  CHECK(summary.seconds == Approx(0.04 + 3 * (0.01 + 2 * 0.05 + 8e-6 * static_cast<double>(up + down))));
}

TEST_CASE("a shard's own link serves one learner after the other, and slices share the load") {
  const auto seconds = [](std::size_t shards) {
    SimulationOptions options = learners(8, shards);
    options.parent_bits_per_second = 100'000;
    return run(options, 80).seconds;
  };
  SimulationOptions free = learners(8, 1);
  const double alone = run(free, 80).seconds;
  CHECK(seconds(1) > 1.5 * alone);
  CHECK(seconds(2) < seconds(1));
}

TEST_CASE("learners with shards are simulated the same each time, and lost packets cost time") {
  const auto summary = [](std::uint64_t seed, double loss) {
    SimulationOptions options = learners(3, 2);
    options.seed = seed;
    make_uneven(options, loss);
    return run(options, 30, 10);
  };
  CHECK(summary(1, 0.02).seconds == summary(1, 0.02).seconds);
  CHECK(summary(1, 0.02).seconds != summary(2, 0.02).seconds);
  CHECK(summary(1, 0.02).seconds > 1.1 * summary(1, 0).seconds);
}

TEST_CASE("no shards, too many of them, and learners that come and go are refused") {
  const auto refused = [](const std::function<void(SimulationOptions&)>& change, const char* expected) {
    SimulationOptions options = learners(2, 1);
    change(options);
    LongRounds trainer(40, 1, 1);
    CHECK_THROWS_WITH(Simulation(options, {&trainer}), Catch::Contains(expected));
  };
  refused([](auto& options) { options.shards = 0; }, "0 shards; expected 1 to 64");
  refused([](auto& options) { options.shards = 65; }, "65 shards; expected 1 to 64");
  refused([](auto& options) { options.machines[1].machine.leaves_seconds = 1; }, "machine 2 comes or goes");
  CHECK(cut_of("gradients") == Cut::kGradients);
}
