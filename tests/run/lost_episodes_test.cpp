// Episodes whose environment fails, as a run counts them.
#include <string>
#include <vector>

#include "genkidama/nn/networks.h"
#include "genkidama/run/trainer_run.h"
#include "run/metrics/csv_table.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/json_file.h"
#include "support/metric_environment.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

/// Fails in the third step of each fourth episode of at least three steps.
class Failing : public MetricEnvironment {
 public:
  Observation reset(std::uint64_t seed) override {
    steps_ = 0;
    return MetricEnvironment::reset(seed);
  }
  StepResult step(int action) override {
    if (++steps_ == 3 && ++third_steps_ % 4 == 0) {
      StepResult result{observation_, 0, false, true};
      result.lost = true;
      return result;
    }
    return MetricEnvironment::step(action);
  }

 private:
  std::vector<float> observation_{1.0f};
  int steps_ = 0, third_steps_ = 0;
};

CoreOrchestrator failing_trainer() {
  OrchestratorOptions options;
  options.workers = 1;
  options.hyperparameters.round_steps = 100;
  return CoreOrchestrator([] { return std::make_unique<Failing>(); }, thesis_network(), options);
}

class Watcher : public RunObserver {
 public:
  void on_update(const UpdateEvent& event) override { lost.push_back(event.round->lost_episodes); }
  std::vector<std::uint64_t> lost;
};

}  // namespace

TEST_CASE("episodes that are lost are counted in metrics.csv and summary.json, over resumes too", "[forks]") {
  const TemporaryDirectory directory;
  Watcher watcher;
  for (const std::uint64_t updates : {2, 5}) {
    CoreOrchestrator trainer = failing_trainer();
    RunOptions options = options_in(directory / "run");
    options.updates = updates;
    const RunSummary summary = train(trainer, options, &watcher);
    std::uint64_t all = 0;
    for (const std::uint64_t each : watcher.lost) all += each;
    REQUIRE(all > 0);
    CHECK(summary.totals.lost_episodes == all);
    CHECK(json_of(directory / "run" / "summary.json")["lost_episodes"] == all);
  }
  const auto table = read_csv(directory / "run" / "metrics.csv");
  REQUIRE(table);
  REQUIRE(table->rows.size() == 5);
  REQUIRE(watcher.lost.size() == 5);
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    so_far += watcher.lost[i];
    CHECK(table->field(table->rows[i], "lost_episodes") == std::to_string(so_far));
  }
}
