// Runs that end when an evaluation reaches their target.
#include <string>
#include <vector>

#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/trainer_run.h"
#include "run/metrics/csv_table.h"
#include "run/paying_environment.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

CoreOrchestrator paying_trainer(const float* pay) {
  OrchestratorOptions options;
  options.workers = 1;
  options.mode = WorkerMode::kThreads;
  options.hyperparameters.round_steps = 100;  // twenty episodes
  return CoreOrchestrator([pay] { return std::make_unique<PayingEnvironment>(pay); },
                          mlp_network({{4}, false}), options);
}

RunOptions options_for_target(const std::filesystem::path& directory) {
  RunOptions options = options_in(directory);
  options.target = 4.9;
  options.checkpoint_every = 1;
  return options;
}

/// The episodes of each evaluation so far.
std::vector<std::string> evaluations(const std::filesystem::path& directory) {
  std::vector<std::string> result;
  const auto table = read_csv(directory / "evaluations.csv");
  REQUIRE(table);
  for (const CsvRow& row : table->rows) result.push_back(table->field(row, "episodes"));
  return result;
}

}  // namespace

TEST_CASE("a run that waits for its target evaluates when the training episodes come close to it") {
  const TemporaryDirectory directory;
  const auto place = directory / "run";
  float pay = 0;
  CoreOrchestrator trainer = paying_trainer(&pay);
  TrainerRun run(trainer, options_for_target(place));
  const auto play = [&](float next) {
    pay = next;
    return run.advance();
  };
  for (const float far : {0.0F, 0.5F, 0.88F}) CHECK(play(far));
  CHECK(evaluations(place).empty());
  // Close, but the first twenty episodes show that it is not there.
  CHECK(play(0.95F));
  CHECK(evaluations(place) == std::vector<std::string>{"20"});
  CHECK_FALSE(run.ended_by());
  CHECK(play(0.5F));
  CHECK(evaluations(place).size() == 1);
  CHECK(play(1));
  CHECK(evaluations(place) == std::vector<std::string>{"20", "100"});
  REQUIRE(run.ended_by());
  CHECK(*run.ended_by() == "target");
  CHECK_FALSE(run.advance());
  CHECK(run.totals().updates == 6);
}

TEST_CASE("a run that was told when to evaluate does it then only") {
  const bool patience = GENERATE(true, false);
  const TemporaryDirectory directory;
  float pay = 0;
  CoreOrchestrator trainer = paying_trainer(&pay);
  RunOptions options = options_for_target(directory / "run");
  if (patience) options.patience = 3;
  if (!patience) options.evaluate_every = 4;
  TrainerRun run(trainer, options);
  run.advance();
  pay = 1;
  for (int i = 0; i < 2; ++i) run.advance();
  CHECK(evaluations(directory / "run").empty());
  run.advance();
  CHECK(evaluations(directory / "run").size() == (patience ? 0 : 1));
}

TEST_CASE("a resumed run knows how far it had to go") {
  const TemporaryDirectory directory;
  float pay = 0;
  {
    CoreOrchestrator trainer = paying_trainer(&pay);
    TrainerRun run(trainer, options_for_target(directory / "run"));
    for (int i = 0; i < 2; ++i) run.advance();
  }
  pay = 0.92F;
  CoreOrchestrator trainer = paying_trainer(&pay);
  TrainerRun run(trainer, options_for_target(directory / "run"));
  run.advance();
  CHECK(evaluations(directory / "run") == std::vector<std::string>{"20"});
}
