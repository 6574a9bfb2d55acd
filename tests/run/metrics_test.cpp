// Metrics of an environment's episodes in a run's files, in evaluations, for observers, and in a sweep's
// table.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/nn/networks.h"
#include "genkidama/run/sweep.h"
#include "genkidama/run/trainer_run.h"
#include "run/evaluation/evaluation_report.h"
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

CoreOrchestrator metric_trainer(EnvironmentFactory environment = make_metric_environment) {
  OrchestratorOptions options;
  options.workers = 1;
  options.hyperparameters.round_steps = 40;
  return CoreOrchestrator(std::move(environment), thesis_network(), options);
}

class Watcher : public RunObserver {
 public:
  void on_update(const UpdateEvent& event) override { rounds.push_back(*event.round); }
  void on_evaluation(const EvaluationEvent& event) override { evaluations.push_back(event.statistics); }
  std::vector<RoundReport> rounds;
  std::vector<EvaluationStatistics> evaluations;
};

std::vector<EpisodeResult> three_episodes() {
  return {{1, 10, false, {1, 2.5F}}, {2, 10, false, {0, 3.5F}}, {3, 10, false, {1, 6}}};
}

const std::vector<std::string> kNames = {"success", "distance"};

}  // namespace

TEST_CASE("statistics of metrics are those of their values", "[metrics]") {
  const EvaluationStatistics statistics = statistics_of(three_episodes(), std::nan(""), kNames);
  REQUIRE(statistics.metrics.size() == 2);
  CHECK(statistics.metrics[0].name == "success");
  CHECK(statistics.metrics[0].mean == Approx(2.0 / 3));
  CHECK(statistics.metrics[1].name == "distance");
  CHECK(statistics.metrics[1].mean == 4);
  // The deviation of 2.5, 3.5 and 6 is sqrt(3.25).
  CHECK(statistics.metrics[1].standard_error == Approx(std::sqrt(3.25 / 3)));
  const Interval interval = bootstrap_mean_interval(std::vector<double>{2.5, 3.5, 6});
  CHECK(statistics.metrics[1].mean_interval.low == interval.low);
  CHECK(statistics.metrics[1].mean_interval.high == interval.high);
  CHECK(statistics_of(three_episodes(), 0).metrics.empty());
  CHECK_THROWS_AS(statistics_of(three_episodes(), 0, std::vector<std::string>{"success"}), ArgumentError);

  const auto json = to_json(statistics);
  CHECK(json["metrics"]["success"]["mean"].get<double>() == Approx(2.0 / 3));
  CHECK(json["metrics"]["distance"]["ci_low"] == interval.low);
  CHECK(json["metrics"]["distance"]["ci_high"] == interval.high);
  CHECK_FALSE(to_json(statistics_of(three_episodes(), 0)).contains("metrics"));
}

TEST_CASE("an evaluation's table has columns for metrics and is read back", "[metrics]") {
  const TemporaryDirectory directory;
  CheckpointEvaluation evaluation;
  evaluation.checkpoint = "final.safetensors";
  evaluation.statistics = statistics_of(three_episodes(), 0, kNames);
  std::ofstream(directory / "table.csv") << to_csv({evaluation});
  const auto table = read_csv(directory / "table.csv");
  REQUIRE(table);
  REQUIRE(table->rows.size() == 1);
  CHECK(number_in(table->field(table->rows[0], "metric_distance_mean")) == 4);
  CHECK(table->columns.back() == "metric_distance_ci_high");
  const auto read = metrics_in(*table, table->rows[0]);
  REQUIRE(read.size() == 2);
  CHECK(read[0].name == "success");
  CHECK(read[1].mean == 4);
  CHECK(read[1].mean_interval.low == Approx(evaluation.statistics.metrics[1].mean_interval.low));
}

TEST_CASE("a run's files and observers have the environment's metrics", "[forks][metrics]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = metric_trainer();
  RunOptions options = options_in(directory / "run");
  options.updates = 3;
  options.evaluate_every = 2;
  options.target_episodes = 4;
  options.eval_episodes = 5;
  Watcher watcher;
  const RunSummary summary = train(trainer, options, &watcher);

  const auto metrics = read_csv(directory / "run" / "metrics.csv");
  REQUIRE(metrics);
  REQUIRE(metrics->rows.size() == 3);
  REQUIRE(watcher.rounds.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(watcher.rounds[i].metrics.size() == 2);
    CHECK(number_in(metrics->field(metrics->rows[i], "metric_length")).value() ==
          Approx(watcher.rounds[i].metrics[0].mean).epsilon(1e-5));
    CHECK(metrics->field(metrics->rows[i], "metric_length") ==
          metrics->field(metrics->rows[i], "length_mean"));
    CHECK(number_in(metrics->field(metrics->rows[i], "metric_odd")).value() ==
          Approx(watcher.rounds[i].metrics[1].mean).epsilon(1e-5));
  }
  // One during the run and one at its end.
  REQUIRE(watcher.evaluations.size() == 2);
  const auto evaluations = read_csv(directory / "run" / "evaluations.csv");
  REQUIRE(evaluations);
  REQUIRE(evaluations->rows.size() == 1);
  CHECK(number_in(evaluations->field(evaluations->rows[0], "metric_length_mean")).value() ==
        Approx(watcher.evaluations[0].metrics[0].mean));
  CHECK(watcher.evaluations[0].metrics[0].mean == Approx(watcher.evaluations[0].mean_length));
  REQUIRE(summary.final_evaluation);
  const auto json = json_of(directory / "run" / "summary.json")["final_evaluation"];
  CHECK(json["metrics"]["length"]["mean"].get<double>() == Approx(json["mean_length"].get<double>()));

  // A later process, whose environment has one metric more, goes on in the same table.
  class More final : public MetricEnvironment {
   public:
    More() : spec_(MetricEnvironment::spec()) { spec_.metrics.push_back("steps_left"); }
    const EnvironmentSpec& spec() const override { return spec_; }
    StepResult step(int action) override {
      StepResult result = MetricEnvironment::step(action);
      if (result.metrics.empty()) return result;
      values_.assign(result.metrics.begin(), result.metrics.end());
      values_.push_back(static_cast<float>(spec_.time_limit) - values_[0]);
      result.metrics = values_;
      return result;
    }

   private:
    EnvironmentSpec spec_;
    std::vector<float> values_;
  };
  CoreOrchestrator more = metric_trainer([] { return std::make_unique<More>(); });
  options.updates = 4;
  train(more, options);
  const auto wider = read_csv(directory / "run" / "metrics.csv");
  REQUIRE(wider);
  REQUIRE(wider->rows.size() == 4);
  CHECK(wider->field(wider->rows[0], "metric_steps_left").empty());
  CHECK(number_in(wider->field(wider->rows[3], "metric_steps_left")).value() +
            number_in(wider->field(wider->rows[3], "metric_length")).value() ==
        Approx(9));
}

TEST_CASE("a sweep's table has the metrics of its evaluations", "[forks][metrics]") {
  const TemporaryDirectory directory;
  SweepOptions options;
  options.directory = directory / "sweep";
  options.definition = {{{{"a", "1"}}, {{"a", "2"}}}, {1}};
  options.train.function = [](const SweepRun& sweep_run) {
    CoreOrchestrator trainer = metric_trainer();
    RunOptions run = options_in(sweep_run.directory);
    run.updates = 2;
    train(trainer, run);
    return 0;
  };
  options.evaluate.function = [](const SweepRun& sweep_run) {
    CoreOrchestrator trainer = metric_trainer();
    evaluate_checkpoints(trainer, sweep_run, {.episodes = 6});
    return 0;
  };
  options.evaluation = [](const SweepRun&) { return EvaluationRequest{.episodes = 6}; };
  REQUIRE(Sweep(options).run().failures.empty());
  const auto results = read_csv(directory / "sweep" / "results.csv");
  REQUIRE(results);
  REQUIRE(results->rows.size() >= 2);
  for (const CsvRow& row : results->rows) {
    CHECK(results->field(row, "metric_length_mean") == results->field(row, "mean_length"));
    CHECK_FALSE(results->field(row, "metric_odd_ci_high").empty());
  }
}
