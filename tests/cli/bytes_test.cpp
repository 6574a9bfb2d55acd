// Paths, arguments and names that are not UTF-8, as JSON has to be.
#include <fstream>

#include "fixture.h"
#include "genkidama/core/utf8.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"
#include "variable.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const std::string kLatin1 = "caf\xE9";
const std::string kReplaced = "caf\xEF\xBF\xBD";

// The program ended well and left no error.
void check_ends_well(const std::vector<std::string>& words) {
  const ProgramResult result = run_program(words);
  CAPTURE(words, result.output, result.errors);
  CHECK(result.exit_code == 0);
  CHECK(result.errors.find("error") == std::string::npos);
}

}  // namespace

TEST_CASE("a run directory need not be UTF-8") {
  const TemporaryDirectory directory;
  const auto run = directory / kLatin1;
  check_ends_well(
      call("train", "--workers", "1", "--updates", "2", "--eval-episodes", "0", "--run-dir", run.string()));
  const auto config = json_of(run / "config.json");
  CHECK(unescape_bytes(config["run_dir"].get<std::string>()) == run.string());
  CHECK(json_of(run / "summary.json")["ended_by"] == "updates");

  check_ends_well(call("train", "--resume", run.string(), "--updates", "4", "--eval-episodes", "0"));
  CHECK(json_of(run / "summary.json")["updates"] == 4);
  check_ends_well(call("train", "--config", (run / "config.json").string(), "--updates", "1",
                       "--eval-episodes", "0", "--run-dir", (directory / "again").string()));

  const auto json = directory / (kLatin1 + ".json");
  check_ends_well(call("evaluate", "--workers", "1", "--episodes", "1", "--checkpoint",
                       (run / "final.safetensors").string(), "--json", json.string()));
  CHECK(unescape_bytes(json_of(json)["checkpoint"].get<std::string>()) ==
        (run / "final.safetensors").string());
}

TEST_CASE("a sweep's directory need not be UTF-8, and the sweep goes on") {
  const TemporaryDirectory directory;
  const auto sweep = directory / kLatin1;
  const auto words =
      call("sweep", "--run-dir", sweep.string(), "--seeds", "1", "--eval-episodes", "1", "train", "--workers",
           "1", "--updates", "1", "--config", (directory / (kLatin1 + ".json")).string());
  std::ofstream(directory / (kLatin1 + ".json")) << R"({"gamma": 0.5})";
  check_ends_well(words);
  check_ends_well(words);
  const auto flags = json_of(sweep / "sweep.json")["flags"].get<std::vector<std::string>>();
  CHECK(unescape_bytes(flags.back()) == (directory / (kLatin1 + ".json")).string());
}

TEST_CASE("an environment's name need not be UTF-8") {
  const TemporaryDirectory directory;
  const Variable name("GENKIDAMA_TEST_NAME", kLatin1);
  const auto run = directory / "run";
  check_ends_well(
      call("train", "--workers", "1", "--updates", "1", "--eval-episodes", "1", "--run-dir", run.string()));
  CHECK(json_of(run / "config.json")["environment"] == kReplaced);
  CHECK(json_of(run / "summary.json")["environment"] == kReplaced);
  CHECK(read_safetensors(run / "final.safetensors").metadata.at("environment") == kReplaced);
  check_ends_well(call("train", "--resume", run.string(), "--updates", "2"));

  const auto json = directory / "result.json";
  check_ends_well(call("evaluate", "--workers", "1", "--episodes", "1", "--checkpoint",
                       (run / "final.safetensors").string(), "--json", json.string()));
  CHECK(json_of(json)["environment"] == kReplaced);
}

TEST_CASE("the words of an error need not be UTF-8") {
  const TemporaryDirectory directory;
  const Variable text("GENKIDAMA_TEST_THROW", kLatin1);
  const auto result = run_program(
      call("train", "--workers", "1", "--updates", "1", "--run-dir", (directory / "run").string()));
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find(kLatin1) != std::string::npos);
  const auto summary = json_of(directory / "run" / "summary.json");
  CHECK(summary["ended_by"] == "error");
  CHECK(summary["error"].get<std::string>().find(kReplaced) != std::string::npos);
}
