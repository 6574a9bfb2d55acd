// Workers that are kept to a number of steps a second.
#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "rl/pacer.h"
#include "support/catch.h"
#include "support/chain_environment.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr auto kGoOn = [] { return true; };

OrchestratorOptions options_with(double steps_per_second) {
  OrchestratorOptions options;
  options.mode = WorkerMode::kThreads;
  options.workers = 1;
  options.steps_per_second = steps_per_second;
  options.hyperparameters.round_end = RoundEnd::kStep;
  options.hyperparameters.round_steps = 20;
  return options;
}

}  // namespace

TEST_CASE("a pacer lets no more steps pass than it may, and whoever comes late does not catch up") {
  Pacer pacer(200);
  const auto start = Clock::now();
  for (int i = 0; i < 21; ++i) pacer.wait(kGoOn);
  CHECK(Clock::now() - start >= Milliseconds{95});
  const auto late = Clock::now() + Milliseconds{50};
  while (Clock::now() < late) {
  }
  const auto again = Clock::now();
  for (int i = 0; i < 5; ++i) pacer.wait(kGoOn);
  CHECK(Clock::now() - again >= Milliseconds{15});
}

TEST_CASE("a pacer without a limit never waits, and one that is called off ends its wait") {
  Pacer none(0);
  CHECK_FALSE(none.is_set());
  none.wait(kGoOn);
  Pacer slow(1e-4);
  REQUIRE(slow.is_set());
  slow.wait(kGoOn);
  slow.wait([] { return false; });  // else it would take three hours
}

TEST_CASE("a paced worker takes its time and learns the same") {
  const auto start = Clock::now();
  CoreOrchestrator paced(chain_factory(), thesis_network(), options_with(200));
  CoreOrchestrator quick(chain_factory(), thesis_network(), options_with(0));
  std::vector<float> a(paced.layout().size()), b(a.size());
  for (int round = 0; round < 2; ++round) {
    CHECK(paced.train_round().steps_in_round == 20);
    quick.train_round();
  }
  CHECK(Clock::now() - start >= Milliseconds{190});
  paced.read_weights(a);
  quick.read_weights(b);
  CHECK(a == b);
}

TEST_CASE("a round of a very slow worker can be cut, and it does not count as hung") {
  auto options = options_with(1e-3);
  int looks = 0;
  options.cut_round = [&] { return ++looks > 3; };
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
  const RoundReport report = trainer.train_round();
  CHECK(report.cut_short);
  CHECK(report.steps_in_round <= 2);
}

TEST_CASE("a number of steps a second that is none is refused") {
  for (const double bad :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    CHECK_THROWS_WITH(CoreOrchestrator(chain_factory(), thesis_network(), options_with(bad)),
                      Catch::Contains("steps_per_second is") && Catch::Contains("at least 0"));
}
