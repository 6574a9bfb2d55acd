// Signals at moments when a run is busy, and disks and memory that are full.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <sstream>

#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "run/state/run_state.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

std::string state_field(const std::filesystem::path& run, const char* field) {
  const auto metadata = read_safetensors(run / "state.safetensors").metadata;
  const auto found = metadata.find(field);
  return found == metadata.end() ? "" : found->second;
}

std::vector<float> state_values(const std::filesystem::path& run) {
  return read_safetensors(run / "state.safetensors").weights;
}

/// The test program's environment has slow steps and episodes without end; `last_step` never comes back.
struct SlowEnvironment {
  explicit SlowEnvironment(const char* last_step) { ::setenv("GENKIDAMA_TEST_SLOW", last_step, 1); }
  ~SlowEnvironment() { ::unsetenv("GENKIDAMA_TEST_SLOW"); }
  SlowEnvironment(const SlowEnvironment&) = delete;
  SlowEnvironment& operator=(const SlowEnvironment&) = delete;
};

// Of that environment, in the middle of the first round.
constexpr const char* kPlayed = "played three steps";

/// Processor time that a process has used, in ticks.
long ticks_of(pid_t pid) {
  const std::string stat = file_text("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0;
  fields >> user;
  return user;
}

/// Ends by this signal, with nothing left behind.
ProgramResult stop(RunningProgram& program, int signal = SIGTERM) {
  program.signal(signal);
  const auto result = program.wait(60);
  CAPTURE(result.errors);
  CHECK(result.exit_code == 128 + signal);
  CHECK(program.all_gone());
  return result;
}

ProgramResult run_shell(const std::string& script) {
  return run_program({"/bin/bash", "-c", script});
}

}  // namespace

TEST_CASE("a signal while the network is still being made ends the run") {
  const TemporaryDirectory directory;
  RunningProgram program(
      call("train", "--preset", "endless", "--workers", "1", "--run-dir", (directory / "run").string()));
  REQUIRE(program.wait_until([&] { return program.children().size() == 1; }));
  stop(program);
  CHECK_FALSE(std::filesystem::exists(directory / "run" / "state.safetensors"));
}

TEST_CASE("a signal in a long round keeps what it has played") {
  const SlowEnvironment slow("0");
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const std::string preset = GENERATE("thesis", "tuned");
  const int signal = GENERATE(SIGTERM, SIGINT);
  CAPTURE(preset, signal);
  RunningProgram program(call("train", "--preset", preset, "--workers", "2", "--run-dir", run.string()));
  REQUIRE(program.wait_for_error_text(kPlayed));
  stop(program, signal);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "signal");
  CHECK(summary["updates"] == 1);
  const auto steps = summary["environment_steps"].get<std::uint64_t>();
  CHECK(steps > 0);
  CHECK(state_field(run, "environment_steps") == std::to_string(steps));
  CHECK(read_safetensors(run / "final.safetensors").metadata.at("update") == "1");
  // No episode has ended, so nothing is known of returns.
  const auto rows = csv_of(run / "metrics.csv");
  REQUIRE(rows.size() == 2);
  REQUIRE(rows[0].size() == rows[1].size());
  for (std::size_t i = 0; i < rows[0].size(); ++i) {
    const bool of_episodes = rows[0][i].rfind("return_", 0) == 0 || rows[0][i] == "length_mean";
    CAPTURE(rows[0][i]);
    CHECK(rows[1][i].empty() == of_episodes);
  }
  // It goes on from there.
  const auto again =
      run_program(call("train", "--resume", run.string(), "--updates", "1", "--eval-episodes", "0"));
  CAPTURE(again.errors);
  CHECK(again.exit_code == 0);
}

TEST_CASE("a run tells what it begins, and how far a long round has come") {
  const SlowEnvironment slow("0");
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram program(call("train", "--preset", "tuned", "--workers", "2", "--max-steps", "900000",
                              "--run-dir", run.string()));
  REQUIRE(program.wait_for_error_text(" steps in this round"));
  CHECK(program.errors().rfind("training Slow with preset tuned, 2 workers, ends after 900000 steps\n", 0) ==
        0);
  CHECK(program.errors().find("\nupdate 0  steps 0  ") != std::string::npos);
  // The round has not ended.
  CHECK(csv_of(run / "metrics.csv").size() == 1);
  stop(program);
}

TEST_CASE("a run without an end of its own says how it ends") {
  const SlowEnvironment slow("0");
  const TemporaryDirectory directory;
  RunningProgram child(call("child", "--preset", "other", "--workers", "1", "--connect", "127.0.0.1:1",
                            "--run-dir", (directory / "run").string()));
  REQUIRE(child.wait_for_error_text("ends with its Parent"));
  stop(child);
}

TEST_CASE("a signal in a round whose worker is stuck leaves the state of the round before") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  {
    const SlowEnvironment slow("0");
    RunningProgram program(call("train", "--workers", "1", "--run-dir", run.string()));
    REQUIRE(program.wait_for_error_text(kPlayed));
    stop(program);
  }
  const auto before = state_values(run);
  const std::string rows = file_text(run / "metrics.csv");
  REQUIRE(state_field(run, "updates") == "1");
  const SlowEnvironment stuck("4");
  RunningProgram program(call("train", "--resume", run.string()));
  REQUIRE(program.wait_for_error_text(kPlayed));
  stop(program);
  CHECK(state_values(run) == before);
  CHECK(state_field(run, "updates") == "1");
  CHECK(file_text(run / "metrics.csv") == rows);
  CHECK(read_safetensors(run / "final.safetensors").metadata.at("update") == "1");
  CHECK(json_of(run / "summary.json")["updates"] == 1);
  CHECK(json_of(run / "summary.json")["ended_by"] == "signal");
}

TEST_CASE("a signal in a round that learns without end keeps what it has learnt") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  REQUIRE(run_program(call("train", "--preset", "tuned", "--round-steps", "200", "--workers", "1",
                           "--max-steps", "1000", "--eval-episodes", "0", "--run-dir", run.string()))
              .exit_code == 0);
  const auto before = state_values(run);
  const auto rows = csv_of(run / "metrics.csv").size();
  RunningProgram program(
      call("train", "--resume", run.string(), "--epochs", "1000000", "--max-steps", "900000"));
  // Its configuration is written when it is about to begin its round.
  REQUIRE(program.wait_until([&] { return json_of(run / "config.json")["epochs"] == 1'000'000; }));
  // Long enough at work to be in the middle of what has no end.
  REQUIRE(program.wait_until([&] {
    const auto workers = program.workers();
    return workers.size() == 1 && ticks_of(workers[0]) > 10;
  }));
  const auto result = stop(program);
  CHECK(state_values(run) != before);
  CHECK(csv_of(run / "metrics.csv").size() == rows + 1);
  CHECK(state_field(run, "updates") == std::to_string(rows));
  CHECK(read_safetensors(run / "final.safetensors").metadata.at("update") ==
        json_of(run / "summary.json")["updates"].dump());
  CHECK(json_of(run / "summary.json")["ended_by"] == "signal");
}

TEST_CASE("an evaluation for the target that a signal cuts is played when the run goes on") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  {
    RunningProgram program(call("train", "--workers", "1", "--target", "1e9", "--target-episodes", "1000000",
                                "--evaluate-every", "3", "--policy-average", "ema", "--run-dir",
                                run.string()));
    REQUIRE(program.wait_until([&] {
      return std::filesystem::exists(run / "metrics.csv") && csv_of(run / "metrics.csv").size() == 4;
    }));
    stop(program, SIGINT);
  }
  CHECK(state_field(run, "updates") == "3");
  CHECK(state_field(run, "evaluation_missing") == "1");
  // The weights that are being evaluated are not those that learning goes on with.
  const auto result = run_program(call("train", "--resume", run.string(), "--updates", "7",
                                       "--target-episodes", "2", "--eval-episodes", "0"));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  const auto whole = directory / "whole";
  REQUIRE(run_program(call("train", "--workers", "1", "--target", "1e9", "--target-episodes", "2",
                           "--evaluate-every", "3", "--policy-average", "ema", "--updates", "7",
                           "--eval-episodes", "0", "--run-dir", whole.string()))
              .exit_code == 0);
  auto rows = csv_of(run / "evaluations.csv");
  auto expected = csv_of(whole / "evaluations.csv");
  REQUIRE(rows.size() == 3);
  for (auto* table : {&rows, &expected}) {
    for (auto& row : *table) row.erase(row.begin() + 2);
  }
  CHECK(rows == expected);
  CHECK(file_text(run / "final.safetensors") == file_text(whole / "final.safetensors"));
}

TEST_CASE("a signal in the final evaluation leaves the run's result") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram program(call("train", "--workers", "1", "--updates", "4", "--eval-episodes", "1000000",
                              "--policy-average", "ema", "--run-dir", run.string()));
  REQUIRE(program.wait_until([&] { return std::filesystem::exists(run / "final.safetensors"); }));
  const auto result = stop(program);
  CHECK(result.exit_code == 128 + SIGTERM);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "updates");
  CHECK(summary["final_evaluation"].is_null());
  CHECK(state_field(run, "updates") == "4");
}

TEST_CASE("a signal ends a Parent and its Child in the middle of what they do") {
  const TemporaryDirectory directory;
  RunningProgram parent(call("parent", "--listen", "127.0.0.1:0", "--target", "1e9", "--target-episodes",
                             "1000000", "--evaluate-every", "2", "--preset", "tuned", "--run-dir",
                             (directory / "parent").string()));
  const std::string port = listening_port(parent);
  RunningProgram child(call("child", "--connect", "127.0.0.1:" + port, "--preset", "tuned", "--round-steps",
                            "100", "--workers", "1", "--run-dir", (directory / "child").string()));
  const auto metrics = directory / "parent" / "metrics.csv";
  REQUIRE(parent.wait_until([&] { return std::filesystem::exists(metrics) && csv_of(metrics).size() > 2; }));
  stop(child);
  CHECK(std::stoi(state_field(directory / "child", "updates")) > 0);
  stop(parent);
  CHECK(std::stoi(state_field(directory / "parent", "updates")) > 1);
}

TEST_CASE("a disk that is really full costs neither the run nor its states") {
  const TemporaryDirectory directory;
  const std::string disk = (directory / "disk").string();
  const std::string copy = (directory / "copy").string();
  std::filesystem::create_directory(disk);
  if (::geteuid() != 0 || run_shell("unshare -m true").exit_code != 0) {
    WARN("needs to be root with a mount namespace; left out");
    return;
  }
  // The checkpoints fill it long before the run has ended.
  const auto result = run_shell(
      "unshare -m bash -c 'mount -t tmpfs -o size=200k none " + disk + " && " + GENKIDAMA_TEST_PROGRAM +
      " train --workers 1 --updates 60 --checkpoint-every 2 --eval-episodes 0 --run-dir " + disk +
      "/run; code=$?; cp -r " + disk + "/run " + copy + "; exit $code'");
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find("No space left on device") != std::string::npos);
  // Of the checkpoints it is told once, however often they were tried.
  std::size_t told = 0;
  std::istringstream lines(result.errors);
  for (std::string line; std::getline(lines, line);)
    told += line.find("checkpoint of update") != std::string::npos;
  CHECK(told == 1);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(copy)) {
    CAPTURE(entry.path().string());
    if (entry.path().extension() == ".safetensors") CHECK_NOTHROW(read_safetensors(entry.path()));
    CHECK(entry.path().extension() != ".tmp");
  }
  const auto rows = csv_of(std::filesystem::path(copy) / "metrics.csv");
  for (const auto& row : rows) CHECK(row.size() == rows[0].size());
  // With room it goes on from the last state that fitted, to where it would have come.
  const auto resumed = run_program(call("train", "--resume", copy));
  CAPTURE(resumed.errors);
  CHECK(resumed.exit_code == 0);
  const auto whole = directory / "whole";
  REQUIRE(run_program(call("train", "--workers", "1", "--updates", "60", "--eval-episodes", "0", "--run-dir",
                           whole.string()))
              .exit_code == 0);
  CHECK(file_text(std::filesystem::path(copy) / "final.safetensors") ==
        file_text(whole / "final.safetensors"));
}

TEST_CASE("without shared memory a run does not begin, and says how much it wanted") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto check = [&](const ProgramResult& result, const std::string& reason) {
    CAPTURE(result.errors);
    CHECK(result.exit_code == 1);
    CHECK(result.errors.find("error: ") != std::string::npos);
    CHECK(result.errors.find("replay buffer: " + reason) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(run / "state.safetensors"));
  };
  // With 32 bits that much cannot even be addressed.
  if (sizeof(std::size_t) > 4) {
    check(run_program(
              call("train", "--workers", "2", "--replay-capacity", "1000000000", "--run-dir", run.string())),
          "the machine has ");
  }
  // 2 MiB are more than all of the rest and less than the buffer.
  check(run_shell("ulimit -f 2048 && exec " GENKIDAMA_TEST_PROGRAM
                  " train --workers 1 --replay-capacity 100000 --run-dir " +
                  run.string()),
        "File too large");
}
