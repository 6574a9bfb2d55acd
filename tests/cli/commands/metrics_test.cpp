// Metrics of an environment's episodes in what the commands print and write.
#include "fixture.h"
#include "run/metrics/csv_table.h"
#include "support/catch.h"
#include "variable.h"

using namespace genkidama::test;
using genkidama::run::read_csv;

TEST_CASE("metrics that the environment names are in each table, in JSON and on the terminal") {
  const TemporaryDirectory directory;
  const Variable metrics("GENKIDAMA_TEST_METRICS", "1");
  const auto run = directory / "run";
  REQUIRE(run_program(call("train", "--workers", "1", "--updates", "4", "--evaluate-every", "2",
                           "--target-episodes", "2", "--eval-episodes", "3", "--run-dir", run.string()))
              .exit_code == 0);
  // The metric is the number of steps, which the library counts too.
  const auto rounds = read_csv(run / "metrics.csv");
  REQUIRE(rounds);
  REQUIRE(rounds->rows.size() == 4);
  for (const auto& row : rounds->rows) {
    CHECK(rounds->field(row, "metric_alive") == rounds->field(row, "length_mean"));
  }
  const auto evaluations = read_csv(run / "evaluations.csv");
  REQUIRE(evaluations);
  REQUIRE(evaluations->rows.size() == 2);
  // CartPole pays 1 a step.
  for (const auto& row : evaluations->rows) {
    CHECK(evaluations->field(row, "metric_alive_mean") == evaluations->field(row, "return_mean"));
  }
  const auto final_evaluation = json_of(run / "summary.json")["final_evaluation"];
  CHECK(final_evaluation["metrics"]["alive"]["mean"].get<double>() ==
        Approx(final_evaluation["mean_length"].get<double>()));

  const ProgramResult result = run_program(call(
      "evaluate", "--workers", "1", "--episodes", "5", "--checkpoint", (run / "final.safetensors").string(),
      "--json", (directory / "one.json").string(), "--csv", (directory / "one.csv").string()));
  CAPTURE(result.errors, result.output);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.output, Catch::Contains("  alive                  "));
  const auto json = json_of(directory / "one.json");
  CHECK(json["metrics"]["alive"]["mean"].get<double>() == Approx(json["mean"].get<double>()));
  CHECK(json["metrics"]["alive"]["ci_low"] == json["ci_low"]);
  CHECK(json["metrics"]["alive"]["ci_high"] == json["ci_high"]);
  const auto table = read_csv(directory / "one.csv");
  REQUIRE(table);
  CHECK(table->field(table->rows.at(0), "metric_alive_ci_high") ==
        table->field(table->rows.at(0), "ci_high"));
}
