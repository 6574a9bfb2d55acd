#include <algorithm>

#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

std::vector<std::string> parent_call(const std::filesystem::path& run, const std::string& updates) {
  return call("parent", "--listen", "127.0.0.1:0", "--alpha", "0.5", "--updates", updates,
              "--checkpoint-every", "10", "--eval-episodes", "2", "--run-dir", run.string());
}

}  // namespace

TEST_CASE("a Parent makes as many environments as it evaluates in") {
  const TemporaryDirectory directory;
  const auto made = directory / "made";
  const auto environments = [&](const std::string& name, const std::vector<std::string>& options) {
    std::filesystem::remove(made);
    auto words = call("parent", "--listen", "127.0.0.1:0", "--eval-workers", "2", "--run-dir",
                      (directory / name).string());
    words.insert(words.end(), options.begin(), options.end());
    ::setenv("GENKIDAMA_TEST_MADE", made.c_str(), 1);
    RunningProgram parent(words);
    ::unsetenv("GENKIDAMA_TEST_MADE");
    REQUIRE(parent.wait_for_error_text("listens on port"));
    parent.signal(SIGTERM);
    CHECK(parent.wait().exit_code == 128 + SIGTERM);
    CHECK(std::filesystem::exists(directory / name / "final.safetensors"));
    return std::filesystem::exists(made) ? file_text(made) : "";
  };
  CHECK(environments("evaluating", {}) == "describe\nevaluate\nevaluate\n");
  CHECK(environments("at_the_end_not", {"--eval-episodes", "0", "--evaluate-every", "5"}) ==
        "describe\nevaluate\nevaluate\n");
  CHECK(environments("nothing", {"--eval-episodes", "0"}) == "describe\n");
  ::setenv("GENKIDAMA_TEST_SPEC", "1", 1);
  CHECK(environments("told", {"--eval-episodes", "0"}).empty());
  ::unsetenv("GENKIDAMA_TEST_SPEC");
}

TEST_CASE("a Parent and a Child train together until the Parent has its updates") {
  const TemporaryDirectory directory;
  RunningProgram parent(parent_call(directory / "parent", "25"));
  const std::string endpoint = "127.0.0.1:" + listening_port(parent);
  RunningProgram child(call("child", "--connect", endpoint, "--beta", "0.5", "--workers", "2", "--name",
                            "ant", "--eval-episodes", "0", "--run-dir", (directory / "child").string()));
  const auto parent_result = parent.wait();
  const auto child_result = child.wait();
  CAPTURE(parent_result.errors, child_result.errors);
  CHECK(parent_result.exit_code == 0);
  CHECK(child_result.exit_code == 0);
  CHECK(parent.all_gone());
  CHECK(child.all_gone());

  const auto summary = json_of(directory / "parent" / "summary.json");
  CHECK(summary["ended_by"] == "updates");
  CHECK(summary["updates"] == 25);
  CHECK(summary["children_joined"] == 1);
  CHECK(summary["final_evaluation"]["episodes"] == 2);
  // Not the default 1: Children with equal seeds would play the same episodes.
  CHECK(json_of(directory / "child" / "config.json")["seed"] != 1);
  CHECK(json_of(directory / "child" / "summary.json")["ended_by"] == "parent");
  const auto metrics = csv_of(directory / "parent" / "metrics.csv");
  REQUIRE(metrics.size() == 26);
  CHECK(metrics[0][4] == "child");
  CHECK(metrics[25][0] == "25");
  CHECK(metrics[25][4] == "ant");
  CHECK(metrics[25][5] == "25");
  CHECK(std::filesystem::exists(directory / "parent" / "checkpoints" / "update_000020.safetensors"));
  CHECK(read_safetensors(directory / "parent" / "final.safetensors").metadata.at("update") == "25");

  SECTION("and the Parent's run is resumed with its weights and its count") {
    RunningProgram again(call("parent", "--resume", (directory / "parent").string(), "--updates", "40"));
    RunningProgram other(call("child", "--connect", "127.0.0.1:" + listening_port(again), "--workers", "1",
                              "--resume", (directory / "child").string()));
    const auto result = again.wait();
    CAPTURE(result.errors);
    CHECK(result.exit_code == 0);
    CHECK(other.wait().exit_code == 0);
    CHECK(json_of(directory / "parent" / "summary.json")["updates"] == 40);
    const auto rows = csv_of(directory / "parent" / "metrics.csv");
    REQUIRE(rows.size() == 41);
    for (std::size_t i = 1; i < rows.size(); ++i) CHECK(rows[i][0] == std::to_string(i));
  }
}

TEST_CASE("a Parent that dials trains with a Child that listens") {
  const TemporaryDirectory directory;
  RunningProgram child(call("child", "--listen", "127.0.0.1:0", "--workers", "1", "--updates", "6",
                            "--eval-episodes", "0", "--run-dir", (directory / "child").string()));
  RunningProgram parent(call("parent", "--connect", "127.0.0.1:" + listening_port(child), "--updates", "6",
                             "--eval-episodes", "0", "--run-dir", (directory / "parent").string()));
  CHECK(child.wait().exit_code == 0);
  CHECK(parent.wait().exit_code == 0);
  CHECK(json_of(directory / "parent" / "summary.json")["updates"] == 6);
}

TEST_CASE("a Child with another network is refused with the tensor that differs") {
  const TemporaryDirectory directory;
  RunningProgram parent(parent_call(directory / "parent", "5"));
  RunningProgram child(call("child", "--connect", "127.0.0.1:" + listening_port(parent), "--preset", "other",
                            "--workers", "1", "--run-dir", (directory / "child").string()));
  const auto result = child.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find("pi1") != std::string::npos);
  CHECK(child.all_gone());
  parent.signal(SIGTERM);
  CHECK(parent.wait().exit_code == 128 + SIGTERM);
  CHECK(json_of(directory / "parent" / "summary.json")["refused_peers"].get<int>() >= 1);
}

TEST_CASE("a Child that waits for its Parent ends at once on SIGTERM") {
  const TemporaryDirectory directory;
  RunningProgram child(call("child", "--listen", "127.0.0.1:0", "--workers", "1", "--join-timeout", "600",
                            "--run-dir", (directory / "child").string()));
  listening_port(child);
  child.signal(SIGTERM);
  const auto result = child.wait(30);
  CAPTURE(result.errors);
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(child.all_gone());
}

TEST_CASE("a cluster trains, counts its updates and leaves no process") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  // Rounds long enough that the second Child joins well before the first has made all updates.
  RunningProgram cluster(call("cluster", "--children", "2", "--workers", "1", "--alpha", "0.5", "--beta",
                              "0.5", "--round-steps", "1000", "--updates", "1500", "--eval-episodes", "3",
                              "--run-dir", run.string()));
  const auto result = cluster.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(cluster.all_gone());
  CHECK(result.output.find("Final evaluation") != std::string::npos);

  const auto summary = json_of(run / "summary.json");
  CHECK(summary["updates"] == 1500);
  CHECK(summary["command"] == "cluster");
  CHECK(summary["children_joined"] == 2);
  CHECK(json_of(run / "config.json")["command"] == "cluster");
  const auto metrics = csv_of(run / "metrics.csv");
  CHECK(metrics.size() == 1501);
  for (const char* child : {"child_1", "child_2"}) {
    CAPTURE(child);
    CHECK(std::any_of(metrics.begin(), metrics.end(), [&](const auto& row) { return row[4] == child; }));
    CHECK(json_of(run / "children" / child / "summary.json")["ended_by"] == "parent");
  }
  CHECK(json_of(run / "children" / "child_1" / "config.json")["seed"] !=
        json_of(run / "children" / "child_2" / "config.json")["seed"]);

  SECTION("and is resumed") {
    RunningProgram again(call("cluster", "--resume", run.string(), "--updates", "1520"));
    const auto resumed = again.wait();
    CAPTURE(resumed.errors);
    CHECK(resumed.exit_code == 0);
    CHECK(again.all_gone());
    CHECK(json_of(run / "summary.json")["updates"] == 1520);
    CHECK(csv_of(run / "metrics.csv").size() == 1521);
  }
}

TEST_CASE("a cluster that makes rounds together trains, and its figures say how") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  // No process may be so slow that it misses a deadline.
  RunningProgram cluster(call("cluster", "--exchange", "rounds", "--round-deadline", "300", "--children", "2",
                              "--workers", "1", "--outer-optimizer", "nesterov", "--updates", "30",
                              "--eval-episodes", "3", "--run-dir", run.string()));
  const auto result = cluster.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(cluster.all_gone());
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["updates"] == 30);
  CHECK(summary["exchange"] == "rounds");
  CHECK(summary["outer_optimizer"] == "nesterov");
  // The Children go on until they hear of the end.
  CHECK(summary["rounds"]["closed"] >= 30);
  CHECK(summary["rounds"]["contributions"] == 2 * summary["rounds"]["closed"].get<int>());
  CHECK(summary["rounds"]["late"] == 0);
  CHECK(json_of(run / "config.json")["exchange"] == "rounds");
  const auto metrics = csv_of(run / "metrics.csv");
  REQUIRE(metrics.size() == 31);
  CHECK(metrics[0][4] == "contributions");
  for (std::size_t row = 1; row < metrics.size(); ++row) {
    CHECK(metrics[row][4] == "2");
    CHECK(metrics[row][5] == "0");
  }
  for (const char* child : {"child_1", "child_2"}) {
    const auto told = json_of(run / "children" / child / "summary.json");
    CHECK(told["ended_by"] == "parent");
    CHECK(told["exchange"] == "rounds");
    CHECK(told["waited_seconds"] >= 0);
  }

  // The same seed makes the same run.
  const auto second = directory / "second";
  const auto again =
      run_program(call("cluster", "--exchange", "rounds", "--round-deadline", "300", "--children", "2",
                       "--workers", "1", "--outer-optimizer", "nesterov", "--updates", "30",
                       "--eval-episodes", "3", "--run-dir", second.string()));
  CHECK(again.exit_code == 0);
  CHECK(read_safetensors(run / "final.safetensors").weights ==
        read_safetensors(second / "final.safetensors").weights);

  RunningProgram resumed(call("cluster", "--resume", run.string(), "--updates", "35"));
  const auto went_on = resumed.wait();
  CAPTURE(went_on.errors);
  CHECK(went_on.exit_code == 0);
  CHECK(json_of(run / "summary.json")["updates"] == 35);
  CHECK(csv_of(run / "metrics.csv").size() == 36);
}

TEST_CASE("a cluster ends with the merge that reaches --max-steps, also while its Parent evaluates") {
  const TemporaryDirectory directory;
  const std::string exchange = GENERATE("rounds", "each");
  CAPTURE(exchange);
  const auto run = directory / exchange;
  // Evaluations take longer than many rounds.
  RunningProgram cluster(call("cluster", "--preset", "tuned", "--exchange", exchange, "--children", "2",
                              "--workers", "1", "--round-end", "step", "--round-steps", "64", "--max-steps",
                              "2000", "--evaluate-every", "2", "--target-episodes", "200", "--eval-episodes",
                              "2", "--run-dir", run.string()));
  const auto result = cluster.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "max_steps");
  const int steps = summary["environment_steps"];
  CHECK(steps >= 2000);
  CHECK(steps < 2000 + 2 * 64);
  const auto metrics = csv_of(run / "metrics.csv");
  CHECK(metrics.back()[column_of(metrics, "environment_steps")] == std::to_string(steps));
  const auto final = read_safetensors(run / "final.safetensors");
  CHECK(final.metadata.at("update") == metrics.back()[0]);
  // It goes on from there, with no more than what was asked for.
  RunningProgram again(call("cluster", "--resume", run.string(), "--max-steps", "3000"));
  CHECK(again.wait().exit_code == 0);
  const int later = json_of(run / "summary.json")["environment_steps"];
  CHECK(later >= 3000);
  CHECK(later < 3000 + 2 * 64);
}

TEST_CASE("a Child that asks for another exchange than its Parent's is told both") {
  const TemporaryDirectory directory;
  RunningProgram parent(call("parent", "--listen", "127.0.0.1:0", "--exchange", "rounds", "--eval-episodes",
                             "0", "--run-dir", (directory / "parent").string()));
  const auto child =
      run_program(call("child", "--connect", "127.0.0.1:" + listening_port(parent), "--workers", "1",
                       "--eval-episodes", "0", "--run-dir", (directory / "child").string()));
  CAPTURE(child.errors);
  CHECK(child.exit_code == 1);
  CHECK(child.errors.find("exchange is 'rounds' and the peer asks for 'each'") != std::string::npos);
  parent.signal(SIGTERM);
  CHECK(parent.wait().exit_code == 128 + SIGTERM);
}

TEST_CASE("a cluster with --overlap trains and counts its updates") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram cluster(call("cluster", "--overlap", "--children", "2", "--workers", "1", "--alpha", "0.5",
                              "--beta", "0.5", "--round-steps", "1000", "--updates", "300", "--eval-episodes",
                              "3", "--run-dir", run.string()));
  const auto result = cluster.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(cluster.all_gone());
  CHECK(json_of(run / "summary.json")["updates"] == 300);
  CHECK(csv_of(run / "metrics.csv").size() == 301);
  CHECK(json_of(run / "config.json")["overlap"] == true);
  std::uint64_t averaged = 0;
  for (const char* child : {"child_1", "child_2"}) {
    CHECK(json_of(run / "children" / child / "config.json")["overlap"] == true);
    averaged += json_of(run / "children" / child / "summary.json")["exchanges"].get<std::uint64_t>();
  }
  // All but the merges, one of each Child at most, whose answer the end of the run overtook.
  CHECK(averaged >= 298);
}

TEST_CASE("with --overlap a Child's last steps reach its Parent too") {
  const TemporaryDirectory directory;
  RunningProgram parent(parent_call(directory / "parent", "1000000"));
  RunningProgram child(call("child", "--connect", "127.0.0.1:" + listening_port(parent), "--overlap",
                            "--beta", "0.5", "--workers", "1", "--updates", "40", "--eval-episodes", "0",
                            "--run-dir", (directory / "child").string()));
  const auto result = child.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  parent.signal(SIGTERM);
  parent.wait();
  const auto summary = json_of(directory / "child" / "summary.json");
  CHECK(summary["updates"] == 40);
  const auto merges = csv_of(directory / "parent" / "metrics.csv");
  REQUIRE(merges.size() > 1);
  CHECK(summary["exchanges"].get<std::size_t>() == merges.size() - 1);
  // Steps are counted as they were when the Child's last weights left it: all of them.
  const auto& columns = merges.front();
  const auto steps = std::find(columns.begin(), columns.end(), "environment_steps") - columns.begin();
  REQUIRE(steps < static_cast<std::ptrdiff_t>(columns.size()));
  CHECK(merges.back()[static_cast<std::size_t>(steps)] ==
        std::to_string(summary["environment_steps"].get<std::uint64_t>()));
}

TEST_CASE(
    "a cluster's Parent evaluates at the interval that is given without a target, its Children do not") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto result =
      run_program(call("cluster", "--children", "1", "--workers", "1", "--updates", "20", "--evaluate-every",
                       "5", "--target-episodes", "2", "--eval-episodes", "0", "--run-dir", run.string()));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK(json_of(run / "summary.json")["ended_by"] == "updates");
  const auto rows = csv_of(run / "evaluations.csv");
  REQUIRE(rows.size() >= 2);
  double best = std::stod(rows[1][4]);
  for (std::size_t i = 2; i < rows.size(); ++i) best = std::max(best, std::stod(rows[i][4]));
  const Checkpoint kept = read_safetensors(run / "best.safetensors");
  CHECK(std::stod(kept.metadata.at("evaluation_return_mean")) == Approx(best));
  const auto child = run / "children" / "child_1";
  CHECK(csv_of(child / "evaluations.csv").size() == 1);
  CHECK_FALSE(std::filesystem::exists(child / "best.safetensors"));
}

TEST_CASE("SIGTERM ends a cluster with its weights written and every process gone") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram cluster(call("cluster", "--children", "2", "--workers", "1", "--checkpoint-every", "10",
                              "--run-dir", run.string()));
  REQUIRE(wait_for_tenth_update(cluster, run));
  cluster.signal(SIGTERM);
  const auto result = cluster.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(cluster.all_gone());
  CHECK(json_of(run / "summary.json")["ended_by"] == "signal");
  CHECK_NOTHROW(read_safetensors(run / "final.safetensors"));
}

TEST_CASE("a killed cluster takes its processes with it") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram cluster(call("cluster", "--children", "1", "--workers", "1", "--checkpoint-every", "10",
                              "--run-dir", run.string()));
  REQUIRE(wait_for_tenth_update(cluster, run));
  cluster.signal(SIGKILL);
  CHECK(cluster.wait().exit_code == 128 + SIGKILL);
  CHECK(cluster.all_gone(30));
}

TEST_CASE("a cluster goes on without a Child that died, and fails without any") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram cluster(call("cluster", "--children", "2", "--workers", "1", "--checkpoint-every", "10",
                              "--run-dir", run.string()));
  REQUIRE(wait_for_tenth_update(cluster, run));
  // The Parent is its first process, the Children follow.
  const auto processes = cluster.children();
  REQUIRE(processes.size() == 3);
  ::kill(processes[1], SIGKILL);
  REQUIRE(cluster.wait_for_error_text("child_1 ended with "));
  const auto merges = [&] { return csv_of(run / "metrics.csv").size(); };
  const auto before = merges();
  REQUIRE(cluster.wait_until([&] { return merges() > before + 20; }));
  ::kill(processes[2], SIGKILL);
  const auto result = cluster.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(cluster.all_gone());
  CHECK(json_of(run / "summary.json")["ended_by"] == "error");
}

TEST_CASE("a cluster whose Parent died fails at once") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram cluster(call("cluster", "--children", "1", "--workers", "1", "--checkpoint-every", "10",
                              "--run-dir", run.string()));
  REQUIRE(wait_for_tenth_update(cluster, run));
  ::kill(cluster.children().front(), SIGKILL);
  const auto result = cluster.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find("signal 9") != std::string::npos);
  CHECK(cluster.all_gone());
}
