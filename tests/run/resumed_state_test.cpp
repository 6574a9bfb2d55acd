// What a resumed run does with the state that it has read.
#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "run/local_run.h"
#include "run/resumed_run.h"
#include "run/run_files.h"
#include "support/averages.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

TEST_CASE("a resumed run's state is handed over, and its files know the rest", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({4});
  CHECK_FALSE(RunFiles::open(options_in(directory / "new"), trainer, nullptr, {}).state);
  RunState state;
  const PolicyAverage average = average_of(std::vector<float>(trainer.layout().size(), 0.5F), 3);
  state.average = &average;
  write_state(directory / "run", trainer, state, true);
  RunOptions options = options_in(directory / "run");
  options.policy_average.kind = PolicyAverageKind::kEma;
  {
    const OpenedRun opened =
        RunFiles::open(options, trainer, nullptr, {.name = {}, .columns = {}, .saved = &trainer});
    REQUIRE(opened.state);
    CHECK(opened.state->weights.front() == 0.25F);
    CHECK(opened.average.count() == 3);
    CHECK(opened.average.text() == "ema 0.9");
    CHECK(opened.files->totals().updates == 3);
    CHECK(opened.files->goes_on());
  }
  // Of another kind it begins anew.
  options.policy_average.kind = PolicyAverageKind::kSwa;
  options.max_steps = 1000;
  const OpenedRun other =
      RunFiles::open(options, trainer, nullptr, {.name = {}, .columns = {}, .saved = &trainer});
  CHECK(other.average.count() == 0);
  CHECK(other.average.text() == "swa from 0.5");
}

TEST_CASE("a Child's session and counts outlive the state that they were read from", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({4});
  CHECK_FALSE(LocalRun(trainer, options_in(directory / "new"), nullptr).resumed_session());
  RunState state;
  state.session = {"6b01ff10-b16a2a40", 7, 8, {9, 10}};
  write_state(directory / "run", trainer, state, true);
  LocalRun run(trainer, options_in(directory / "run"), nullptr);
  REQUIRE(run.resumed_session());
  CHECK(run.resumed_session()->session.run_id == "6b01ff10-b16a2a40");
  CHECK(run.resumed_session()->session.session == 7);
  const auto age = seconds_between(run.resumed_session()->written, machine_time());
  REQUIRE(age);
  CHECK(*age >= 0);
  CHECK(run.totals().exchanges == 5);
  CHECK(run.totals().reconnects == 2);
  // It is what was resumed, whatever the session has come to since.
  run.keep_session({"another", 1, 2, {3, 4}});
  CHECK(run.resumed_session()->session.session == 7);
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  CHECK(weights.front() == 0.25F);
}
