// Options of a program's own through the commands: what the factory is told, and what the files hold.
#include <algorithm>
#include <set>
#include <sstream>

#include "bad_argument.h"
#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"
#include "variable.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// Calls of the test program with options of its own.
struct OwnOptions {
  TemporaryDirectory directory;
  Variable file{"GENKIDAMA_TEST_OPTIONS", directory / "told"};

  std::string path(const char* name) const { return (directory / name).string(); }

  /// What each environment was told in this call, without repetitions.
  std::set<std::string> told_in(const std::vector<std::string>& words) const {
    std::filesystem::remove(directory / "told");
    const ProgramResult result = run_program(words);
    CAPTURE(words, result.errors);
    CHECK(result.exit_code == 0);
    std::istringstream lines(file_text(directory / "told"));
    std::set<std::string> told;
    for (std::string line; std::getline(lines, line);) told.insert(line);
    return told;
  }
};

using Told = std::set<std::string>;

template <typename... Words>
std::vector<std::string> train(const std::string& run, const Words&... words) {
  return call("train", "--workers", "1", "--updates", "2", "--eval-episodes", "1", "--run-dir", run,
              words...);
}

}  // namespace

TEST_CASE("an own option reaches every environment, config.json, a resumed run, and evaluate",
          "[own_options]") {
  const OwnOptions own;
  const std::string run = own.path("run");
  CHECK(own.told_in(train(run, "--gravity", "-9.8", "--wind", "--label", "here", "--surface=sand")) ==
        Told{"-9.8 3 here sand 1"});
  const auto config = json_of(own.directory / "run" / "config.json");
  CHECK(config["gravity"] == -9.8);
  CHECK(config["gusts"] == 3);
  CHECK(config["wind"] == true);
  CHECK(config["surface"] == "sand");

  const std::string policy = run + "/final.safetensors";
  CHECK(read_safetensors(policy).metadata.at("options") ==
        R"({"gravity":-9.8,"gusts":3,"label":"here","surface":"sand","wind":true})");
  const auto evaluate = call("evaluate", "--workers", "1", "--episodes", "1", "--checkpoint", policy);
  CHECK(own.told_in(evaluate) == Told{"-9.8 3 here sand 1"});
  auto otherwise = evaluate;
  otherwise.insert(otherwise.end(), {"--gravity=-2", "--wind=false"});
  CHECK(own.told_in(otherwise) == Told{"-2 3 here sand 0"});

  CHECK(own.told_in(call("train", "--updates", "3", "--resume", run)) == Told{"-9.8 3 here sand 1"});
  CHECK(own.told_in(call("train", "--updates", "4", "--resume", run, "--gravity=-11")) ==
        Told{"-11 3 here sand 1"});
  CHECK(json_of(own.directory / "run" / "config.json")["gravity"] == -11);
}

TEST_CASE("a cluster's Parent and Children, and check, are told own options", "[own_options]") {
  const OwnOptions own;
  CHECK(own.told_in(call("cluster", "--children", "2", "--workers", "1", "--updates", "3", "--eval-episodes",
                         "1", "--run-dir", own.path("cluster"), "--gusts", "7")) == Told{"-10 7  rock 0"});
  CHECK(json_of(own.directory / "cluster" / "config.json")["gusts"] == 7);
  CHECK(own.told_in(call("check", "--episodes", "1", "--gusts", "5")) == Told{"-10 5  rock 0"});
}

TEST_CASE("a sweep varies an own option, and evaluates each policy with the value that it has",
          "[own_options]") {
  const OwnOptions own;
  const auto sweep = call("sweep", "--grid", "gravity=-1,-9.5", "--seeds", "1", "--eval-episodes", "1",
                          "--run-dir", own.path("sweep"), "train", "--workers", "1", "--updates", "1");
  CHECK(own.told_in(sweep) == Told{"-1 3  rock 0", "-9.5 3  rock 0"});
  const auto rows = csv_of(own.directory / "sweep" / "results.csv");
  REQUIRE(rows.size() >= 3);
  const auto column =
      static_cast<std::size_t>(std::find(rows[0].begin(), rows[0].end(), "gravity") - rows[0].begin());
  REQUIRE(column < rows[0].size());
  std::set<std::string> values;
  for (std::size_t i = 1; i < rows.size(); ++i) values.insert(rows[i][column]);
  CHECK(values == std::set<std::string>{"-1", "-9.5"});
  // The evaluations alone: each policy's options are those that it was trained with.
  for (const char* value : {"-1", "-9.5"}) {
    const auto policy = own.path("sweep") + "/runs/gravity=" + value + "/seed_1/final.safetensors";
    CHECK(own.told_in(call("evaluate", "--workers", "1", "--episodes", "1", "--checkpoint", policy)) ==
          Told{std::string(value) + " 3  rock 0"});
  }
}

TEST_CASE("policies of different own options are not evaluated together in silence", "[own_options]") {
  const OwnOptions own;
  own.told_in(train(own.path("a"), "--gravity=-1"));
  own.told_in(train(own.path("b"), "--gravity=-2"));
  const auto evaluate = call("evaluate", "--workers", "1", "--episodes", "1", "--checkpoint",
                             own.path("a") + "/final.safetensors", own.path("b") + "/final.safetensors");
  check_bad_argument(evaluate, "were made with different values of --gravity");
  auto with_flag = evaluate;
  with_flag.push_back("--gravity=-3");
  CHECK(own.told_in(with_flag) == Told{"-3 3  rock 0"});
}

TEST_CASE("bad own options and bad values of theirs are bad arguments", "[own_options]") {
  const OwnOptions own;
  check_bad_argument(train(own.path("run"), "--gravity", "1"),
                     "--gravity is '1'; expected a number in [-12, 0]");
  check_bad_argument(train(own.path("run"), "--gusts", "ten"), "--gusts is 'ten'; expected a whole number");
  check_bad_argument(
      call("sweep", "--grid", "gravity=1", "--run-dir", own.path("sweep"), "train", "--updates=1"),
      "setting gravity=1: --gravity is '1'");
  for (const auto& [name, expected] : {std::pair("gamma", "'gamma' is the name of a bundled option"),
                                       std::pair("gravity", "'gravity' is given twice"),
                                       std::pair("lift", "'lift' is 1 by default; expected a number <= 0")}) {
    const Variable bad("GENKIDAMA_TEST_BAD_OPTION", name);
    check_bad_argument(call("train", "--updates", "1"), expected);
  }
  CHECK_FALSE(std::filesystem::exists(own.directory / "run"));
}
