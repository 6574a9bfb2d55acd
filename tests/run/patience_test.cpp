// The best policy of a run, and runs that end when it gets no better.
#include <cmath>
#include <string>
#include <vector>

#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/trainer_run.h"
#include "run/paying_environment.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/json_file.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

/// What every step pays: no evaluation is better than the first.
constexpr float kPay = 1;

CoreOrchestrator flat_trainer() {
  OrchestratorOptions options;
  options.workers = 1;
  return CoreOrchestrator([] { return std::make_unique<PayingEnvironment>(&kPay); },
                          mlp_network({{4}, false}), options);
}

RunOptions patient(const std::filesystem::path& directory, std::uint64_t patience) {
  RunOptions options = options_in(directory);
  options.updates = 1000;
  options.evaluate_every = 2;
  options.target_episodes = 1;
  options.patience = patience;
  options.checkpoint_every = 1;
  return options;
}

}  // namespace

TEST_CASE("a run ends after so many evaluations without improvement, and says which was best", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = flat_trainer();
  const RunSummary summary = train(trainer, patient(directory / "run", 3));
  CHECK(summary.ended_by == "patience");
  CHECK(summary.totals.updates == 8);  // the first evaluation, of update 2, is the best
  REQUIRE(summary.best);
  CHECK(summary.best->update == 2);
  CHECK(summary.best->mean_return == 5);
  CHECK(summary.best->file == directory / "run" / "best.safetensors");
  CHECK(read_safetensors(summary.best->file).metadata.at("update") == "2");
  const auto json = json_of(directory / "run" / "summary.json");
  CHECK(json["ended_by"] == "patience");
  CHECK(json["best_evaluation"]["update"] == 2);
  CHECK(json["best_evaluation"]["return_mean"] == 5);
  CHECK(json["best_evaluation"]["file"] == "best.safetensors");

  SECTION("a resumed run has no patience left, unless it is given more") {
    CoreOrchestrator same = flat_trainer();
    const RunSummary again = train(same, patient(directory / "run", 3));
    CHECK(again.ended_by == "patience");
    CHECK(again.totals.updates == 8);
    CoreOrchestrator more = flat_trainer();
    const RunSummary later = train(more, patient(directory / "run", 5));
    CHECK(later.ended_by == "patience");
    CHECK(later.totals.updates == 12);
    REQUIRE(later.best);
    CHECK(later.best->update == 2);
  }
}

TEST_CASE("evaluations before a kill count for the patience of the run that goes on", "[forks]") {
  const TemporaryDirectory directory;
  {
    CoreOrchestrator trainer = flat_trainer();
    TrainerRun run(trainer, patient(directory / "run", 3));
    while (run.totals().updates < 5) run.advance();
  }
  CoreOrchestrator resumed = flat_trainer();
  const RunSummary summary = train(resumed, patient(directory / "run", 3));
  CHECK(summary.ended_by == "patience");
  CHECK(summary.totals.updates == 8);
}

TEST_CASE("patience alone evaluates every 100 updates and keeps the best policy", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = flat_trainer();
  RunOptions options = patient(directory / "run", 1);
  options.evaluate_every.reset();
  options.checkpoint_every = 100;
  const RunSummary summary = train(trainer, options);
  CHECK(summary.ended_by == "patience");
  CHECK(summary.totals.updates == 200);
  REQUIRE(summary.best);
  CHECK(summary.best->update == 100);
}

TEST_CASE("a run without evaluations of its own has no best policy", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = flat_trainer();
  RunOptions options = options_in(directory / "run");
  options.updates = 2;
  options.eval_episodes = 1;
  CHECK_FALSE(train(trainer, options).best);
  CHECK(json_of(directory / "run" / "summary.json")["best_evaluation"].is_null());
}
