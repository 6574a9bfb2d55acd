// A program that brings its own merge rule.
#include <cmath>
#include <cstdlib>
#include <string>

#include "bad_argument.h"
#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// Which rule the test program brings while this lives.
class Rule {
 public:
  explicit Rule(const char* name) { ::setenv("GENKIDAMA_TEST_RULE", name, 1); }
  ~Rule() { ::unsetenv("GENKIDAMA_TEST_RULE"); }
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;
};

ProgramResult cluster(const std::filesystem::path& run, const std::string& updates) {
  return run_program(call("cluster", "--children", "1", "--workers", "1", "--updates", updates, "--seed", "3",
                          "--eval-episodes", "0", "--checkpoint-every", "4", "--run-dir", run.string()));
}

std::vector<float> final_weights(const std::filesystem::path& run) {
  return read_safetensors(run / "final.safetensors").weights;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a cluster's Parent merges by the program's rule") {
  const TemporaryDirectory directory;
  REQUIRE(cluster(directory / "average_2", "2").exit_code == 0);
  REQUIRE(cluster(directory / "average_4", "4").exit_code == 0);
  const Rule rule("keep");
  REQUIRE(cluster(directory / "keep_2", "2").exit_code == 0);
  REQUIRE(cluster(directory / "keep_4", "4").exit_code == 0);
  CHECK(final_weights(directory / "average_2") != final_weights(directory / "average_4"));
  CHECK(final_weights(directory / "keep_2") == final_weights(directory / "keep_4"));
  CHECK(json_of(directory / "average_4" / "summary.json")["merge_rule"] == "average");
  CHECK(json_of(directory / "keep_4" / "summary.json")["merge_rule"] == "own");
}

TEST_CASE("a cluster merges by --merge, and goes on with the rule's notes") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto words = [&](const std::string& updates) {
    return call("cluster", "--children", "2", "--workers", "1", "--updates", updates, "--exchange", "each",
                "--merge", "clipped-norm", "--eval-episodes", "0", "--run-dir", run.string());
  };
  const auto result = run_program(words("24"));
  CAPTURE(result.output, result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK_FALSE(has(result.errors, "has no effect"));
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["merge_rule"] == "clipped-norm");
  CHECK(summary["influence_suggestion"].get<std::string>().size() > 10);
  double share = 0;
  for (const auto& [name, child] : summary["children"].items()) {
    CHECK(child["movement"] >= 0);
    CHECK(child["staleness_mean"] >= 0);
    share += child["movement_share"].get<double>();
  }
  CHECK(share == Approx(1));
  const auto rows = csv_of(run / "metrics.csv");
  const auto movement = column_of(rows, "movement"), agreement = column_of(rows, "agreement");
  for (std::size_t i = 1; i < rows.size(); ++i) {
    CHECK(std::stod(rows[i][movement]) >= 0);
    if (!rows[i][agreement].empty()) CHECK(std::abs(std::stod(rows[i][agreement])) <= 1);
  }
  const auto state = read_safetensors(run / "state.safetensors");
  CHECK(state.metadata.at("merge_method") == "clipped-norm");
  const auto resumed = run_program(call("cluster", "--resume", run.string(), "--updates", "30"));
  CAPTURE(resumed.errors);
  CHECK(resumed.exit_code == 0);
  CHECK(json_of(run / "summary.json")["updates"] == 30);
}

TEST_CASE("a cluster whose Children are apart ends with their mean, and goes on apart when it is resumed") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto words = [&](const char* share, const std::filesystem::path& place) {
    return call("cluster", "--children", "2", "--workers", "1", "--round-steps", "100", "--round-end", "step",
                "--max-steps", "2000", "--exchange", "rounds", "--outer-optimizer", "none", "--apart-from",
                share, "--eval-episodes", "0", "--seed", "3", "--run-dir", place.string());
  };
  const auto result = run_program(words("0.5", run));
  CAPTURE(result.output, result.errors);
  REQUIRE(result.exit_code == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["apart_from_steps"] == 1'000);
  CHECK(summary["environment_steps"] == 2'000);
  CHECK(summary["updates"] == 10);
  // The same until then, and another policy in the end.
  REQUIRE(run_program(words("0.9", directory / "later")).exit_code == 0);
  CHECK(final_weights(run) != final_weights(directory / "later"));
  // More steps with the same first step apart: the Parent begins apart.
  const auto resumed =
      run_program(call("cluster", "--resume", run.string(), "--max-steps", "2600", "--apart-from", "0.4"));
  CAPTURE(resumed.errors);
  CHECK(resumed.exit_code == 0);
  CHECK(json_of(run / "summary.json")["environment_steps"] == 2'600);
}

TEST_CASE("rounds are combined by --merge too, and the Parent tells what each Child did") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto result = run_program(call("cluster", "--children", "3", "--workers", "1", "--updates", "6",
                                       "--exchange", "rounds", "--merge", "trimmed-mean", "--eval-episodes",
                                       "0", "--run-dir", run.string()));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["merge_rule"] == "trimmed-mean");
  CHECK(has(result.output, "What each Child did to the weights:\nchild"));
  CHECK(has(result.output, "No Child stands out.") != has(result.output, "Look at 'child_"));
  CHECK(summary["children"]["child_1"]["movement"] > 0);
  const auto rows = csv_of(run / "metrics.csv");
  REQUIRE(rows.size() == 7);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    CHECK(std::stod(rows[i][column_of(rows, "movement")]) > 0);
    CHECK(std::stod(rows[i][column_of(rows, "agreement_min")]) <=
          std::stod(rows[i][column_of(rows, "agreement_mean")]));
  }
}

TEST_CASE("a cluster's Parent merges with several threads, and so does the run that goes on") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto result =
      run_program(call("cluster", "--children", "2", "--workers", "1", "--updates", "20", "--exchange",
                       "each", "--merge-threads", "3", "--eval-episodes", "0", "--run-dir", run.string()));
  CAPTURE(result.output, result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK(json_of(run / "config.json")["merge_threads"] == 3);
  CHECK(json_of(run / "summary.json")["merge_rule"] == "average");
  const auto rows = csv_of(run / "metrics.csv");
  REQUIRE(rows.size() == 21);
  for (std::size_t i = 1; i < rows.size(); ++i)
    CHECK(rows[i][column_of(rows, "update")] == std::to_string(i));
  const auto resumed = run_program(call("cluster", "--resume", run.string(), "--updates", "24"));
  CAPTURE(resumed.errors);
  CHECK(resumed.exit_code == 0);
  CHECK(json_of(run / "summary.json")["updates"] == 24);
}

TEST_CASE("several threads do not merge by a rule of the program's") {
  const Rule rule("keep");
  const TemporaryDirectory directory;
  const auto result = run_program(call("cluster", "--children", "1", "--workers", "1", "--merge-threads", "2",
                                       "--exchange", "each", "--run-dir", (directory / "run").string()));
  CHECK(result.exit_code == 2);
  CHECK(has(result.errors, "--merge-threads is 2, and this program brings a merge rule of its own"));
}

TEST_CASE("options of another merge rule are refused") {
  const auto refused = [](const std::vector<std::string>& more, const std::string& expected) {
    check_bad_argument(with(call("parent", "--listen", "127.0.0.1:0"), more), expected);
    check_bad_argument(with(call("simulate"), more), expected);
  };
  refused({"--attackers", "2"}, "--attackers is for --merge median, trimmed-mean, krum or multi-krum");
  refused({"--clip-norm", "2"}, "--clip-norm is for --merge clipped-norm");
  refused({"--merge", "median", "--trim", "0.2"}, "--trim is for --merge trimmed-mean");
  refused({"--merge", "fedasync", "--hinge-slope", "1"},
          "--hinge-slope is for --merge fedasync --staleness-weight hinge");
  refused({"--merge", "fedasync", "--staleness-weight", "hinge", "--staleness-exponent", "1"},
          "--staleness-exponent is for --merge fedasync --staleness-weight polynomial");
}

TEST_CASE("--merge is refused by a program that brings a rule of its own") {
  const Rule rule("keep");
  const auto result = run_program(call("cluster", "--children", "3", "--merge", "median"));
  CHECK(result.exit_code == 2);
  CHECK(has(result.errors,
            "--merge is 'median', and this program brings a merge rule of its own; expected "
            "--merge left out"));
}

TEST_CASE("a run whose rule fails says so, and goes on where it was once the rule is corrected") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  {
    const Rule rule("fail");
    const auto result = cluster(run, "8");
    CAPTURE(result.errors);
    CHECK(result.exit_code == 1);
    const std::string error =
        "the merge rule failed at update 6, on the weights of 'child_1' (session 1, sequence 6): "
        "it threw: six is unlucky; what was merged before is kept, and --resume " +
        run.string() + " goes on after update 5";
    CHECK(has(result.errors, "error: " + error + "\n"));
    CHECK_FALSE(has(result.errors, "refused"));
    const auto summary = json_of(run / "summary.json");
    CHECK(summary["ended_by"] == "error");
    CHECK(summary["error"] == error);
    CHECK(summary["updates"] == 5);
    CHECK_FALSE(std::filesystem::exists(run / "final.safetensors"));
  }
  const auto result = run_program(call("cluster", "--resume", run.string()));
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  const auto rows = csv_of(run / "metrics.csv");
  REQUIRE(rows.size() == 9);
  for (std::size_t i = 1; i < rows.size(); ++i) CHECK(rows[i][0] == std::to_string(i));
}

TEST_CASE("a Parent whose rule fails before anything was merged leaves what it had") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  REQUIRE(cluster(run, "5").exit_code == 0);
  const auto weights = final_weights(run);
  {
    // The sixth is the first one now.
    const Rule rule("fail");
    const auto result = run_program(call("cluster", "--resume", run.string(), "--updates", "9"));
    CAPTURE(result.errors);
    CHECK(result.exit_code == 1);
    CHECK(has(result.errors, "the merge rule failed at update 6"));
    CHECK(has(result.errors, "goes on after update 5"));
  }
  CHECK(final_weights(run) == weights);
  CHECK(json_of(run / "summary.json")["updates"] == 5);
}
