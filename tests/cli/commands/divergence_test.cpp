// A run whose weights are spoilt ends with a clear error, and nothing that was good is lost.
#include <algorithm>
#include <regex>

#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

// Four good updates with checkpoints at 2 and 4.
std::filesystem::path good_run(const TemporaryDirectory& directory) {
  const auto run = directory / "run";
  REQUIRE(run_program(call("train", "--workers", "1", "--updates", "4", "--checkpoint-every", "2", "--seed",
                           "3", "--eval-episodes", "0", "--run-dir", run.string()))
              .exit_code == 0);
  return run;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Exit code 1, one line of error, and the same text in summary.json.
void check_failed(const ProgramResult& result, const std::filesystem::path& run) {
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  const auto at = result.errors.find("error: ");
  REQUIRE(at != std::string::npos);
  const std::string text = result.errors.substr(at + 7);
  CHECK(text.find('\n') == text.size() - 1);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "error");
  CHECK(summary["error"].get<std::string>() + "\n" == text);
}

}  // namespace

TEST_CASE("a run that diverges fails, and every checkpoint that it leaves is good") {
  const TemporaryDirectory directory;
  const auto run = good_run(directory);
  const std::string final_before = file_text(run / "final.safetensors");
  // Without a limit of the norm it takes until a gradient or a weight is not finite.
  const std::string max_norm = GENERATE("1e6", "0");
  const auto result = run_program(call("train", "--resume", run.string(), "--updates", "100000",
                                       "--learning-rate", "1e3", "--max-weight-norm", max_norm));
  check_failed(result, run);
  CHECK(has(result.errors, "diverged"));
  CHECK(has(result.errors, "learning"));
  CHECK(has(result.errors, "above --max-weight-norm") == (max_norm != "0"));

  std::smatch named;
  REQUIRE(std::regex_search(result.errors, named, std::regex("the last good checkpoint is ([^ ,]+)")));
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints")) {
    CHECK_NOTHROW(read_safetensors(entry.path()));
    newest = std::max(newest, entry.path());
  }
  // A state that was written by time may be newer.
  const std::string state = (run / "state.safetensors").string();
  CHECK((named[1].str() == newest.string() || named[1].str() == state));
  CHECK(file_text(run / "final.safetensors") == final_before);
  // The run can be saved from there.
  const auto saved =
      run_program(call("train", "--resume", run.string(), "--updates",
                       std::to_string(std::stoi(read_safetensors(newest).metadata.at("update")) + 1),
                       "--learning-rate", "1e-9"));
  CAPTURE(saved.errors);
  CHECK(saved.exit_code == 0);
}

TEST_CASE("weights above the norm limit are written nowhere") {
  const TemporaryDirectory directory;
  const auto run = good_run(directory);
  const std::string state = file_text(run / "state.safetensors");
  const std::string weights = file_text(run / "final.safetensors");
  const auto result =
      run_program(call("train", "--resume", run.string(), "--updates", "9", "--max-weight-norm", "0.5",
                       "--checkpoint-every", "1", "--target", "-1", "--evaluate-every", "1"));
  check_failed(result, run);
  CHECK(has(result.errors, "after update 5"));
  CHECK(has(result.errors, "above --max-weight-norm 0.5"));
  CHECK(has(result.errors,
            "the last good checkpoint is " + (run / "checkpoints" / "update_000004.safetensors").string()));
  CHECK(has(result.errors, "--resume " + run.string()));
  CHECK(has(result.errors, "--learning-rate"));
  CHECK(has(result.errors, "--max-gradient-norm"));
  CHECK(file_text(run / "state.safetensors") == state);
  CHECK(file_text(run / "final.safetensors") == weights);
  CHECK_FALSE(std::filesystem::exists(run / "checkpoints" / "update_000005.safetensors"));
  CHECK(csv_of(run / "evaluations.csv").size() == 1);
  // What the round was like is there to be looked at.
  CHECK(csv_of(run / "metrics.csv").size() == 6);

  SECTION("and 0 takes the limit away") {
    CHECK(run_program(call("train", "--resume", run.string(), "--updates", "9", "--max-weight-norm", "0"))
              .exit_code == 0);
  }
}

TEST_CASE("a run that diverges before its first checkpoint says that there is none") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto result =
      run_program(call("train", "--workers", "1", "--max-weight-norm", "0.5", "--run-dir", run.string()));
  check_failed(result, run);
  CHECK(has(result.errors, "after update 1"));
  CHECK(has(result.errors, "no checkpoint was written before"));
  CHECK_FALSE(std::filesystem::exists(run / "final.safetensors"));
  CHECK_FALSE(std::filesystem::exists(run / "state.safetensors"));
  CHECK(std::filesystem::is_empty(run / "checkpoints"));
}

TEST_CASE("a Parent whose weights diverge fails in the same way and ends its Children") {
  const TemporaryDirectory directory;
  const auto run = directory / "parent";
  const auto with_child = [&](const std::vector<std::string>& words) {
    RunningProgram parent(words);
    RunningProgram child(call("child", "--connect", "127.0.0.1:" + listening_port(parent), "--workers", "1",
                              "--eval-episodes", "0", "--run-dir",
                              (directory / ("child_" + std::to_string(parent.pid()))).string()));
    const auto result = parent.wait();
    const auto child_result = child.wait();
    CAPTURE(child_result.errors);
    CHECK(child_result.exit_code == 0);
    CHECK(child.all_gone());
    CHECK(parent.all_gone());
    return result;
  };
  REQUIRE(with_child(call("parent", "--listen", "127.0.0.1:0", "--updates", "10", "--checkpoint-every", "10",
                          "--eval-episodes", "0", "--run-dir", run.string()))
              .exit_code == 0);
  const std::string state = file_text(run / "state.safetensors");
  const std::string weights = file_text(run / "final.safetensors");
  const auto result = with_child(call("parent", "--resume", run.string(), "--updates", "100",
                                      "--max-weight-norm", "0.5", "--checkpoint-every", "1"));
  check_failed(result, run);
  CHECK(has(result.errors, "after update 11"));
  CHECK(has(result.errors, (run / "checkpoints" / "update_000010.safetensors").string()));
  CHECK(file_text(run / "state.safetensors") == state);
  CHECK(file_text(run / "final.safetensors") == weights);
  CHECK_FALSE(std::filesystem::exists(run / "checkpoints" / "update_000011.safetensors"));
}
