#include "fixture.h"
#include "support/catch.h"
#include "variable.h"

using namespace genkidama::test;

namespace {

std::string purposes(const std::filesystem::path& file) {
  const std::string text = file_text(file);
  std::string found;
  for (const char* purpose : {"describe", "train", "evaluate"}) {
    if (text.find(purpose) != std::string::npos) found += std::string(found.empty() ? "" : " ") + purpose;
  }
  return found;
}

}  // namespace

TEST_CASE("the factory is told whether an environment is for training or for evaluations alone") {
  const TemporaryDirectory directory;
  const auto run = (directory / "run").string();
  const auto train =
      call("train", "--workers", "1", "--updates", "1", "--eval-episodes", "2", "--run-dir", run);
  const auto evaluate =
      call("evaluate", "--workers", "1", "--episodes", "1", "--checkpoint", run + "/final.safetensors");
  {
    const Variable file("GENKIDAMA_TEST_CONTEXT", directory / "train");
    REQUIRE(run_program(train).exit_code == 0);
  }
  CHECK(purposes(directory / "train") == "describe train");
  {
    const Variable file("GENKIDAMA_TEST_CONTEXT", directory / "evaluate");
    REQUIRE(run_program(evaluate).exit_code == 0);
  }
  CHECK(purposes(directory / "evaluate") == "describe evaluate");
}

TEST_CASE("with Program::environment_spec no environment is made only to be asked") {
  const TemporaryDirectory directory;
  const Variable spec("GENKIDAMA_TEST_SPEC", "1");
  const Variable file("GENKIDAMA_TEST_CONTEXT", directory / "made");
  const auto run = [&](const char* command, const char* name) {
    return call(command, "--updates", "1", "--eval-episodes", "0", "--run-dir", (directory / name).string());
  };
  REQUIRE(run_program(run("train", "train")).exit_code == 0);
  CHECK(purposes(directory / "made") == "train");
  REQUIRE(run_program(run("cluster", "cluster")).exit_code == 0);
  CHECK(purposes(directory / "made").find("describe") == std::string::npos);
  CHECK(json_of(directory / "cluster" / "config.json")["environment"] == "CartPole-v1");
}
