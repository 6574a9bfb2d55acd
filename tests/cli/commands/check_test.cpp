#include <cstdlib>

#include "fixture.h"
#include "support/catch.h"
#include "variable.h"

using namespace genkidama::test;

TEST_CASE("check finds nothing wrong with a good environment and network") {
  const auto result = run_program(call("check", "--episodes", "5"));
  CAPTURE(result.output, result.errors);
  CHECK(result.exit_code == 0);
  CHECK(result.output.find("CartPole-v1") != std::string::npos);
  CHECK(result.output.find("5 episodes") != std::string::npos);
  CHECK(result.output.find("\nOK: ") != std::string::npos);
  CHECK(result.output.find("FAILED") == std::string::npos);
}

TEST_CASE("check names what is wrong with an environment and fails") {
  const Variable bad("GENKIDAMA_TEST_BAD_REWARD", "1");
  const auto result = run_program(call("check", "--episodes", "2"));
  CAPTURE(result.output, result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.output.find("[reward-finite]") != std::string::npos);
  CHECK(result.output.find("\nFAILED: the environment has 1 error") != std::string::npos);
}

TEST_CASE("check fails with the words of a network that cannot be made") {
  const auto result = run_program(call("check", "--preset", "broken", "--episodes", "1"));
  CAPTURE(result.output, result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find("this network is broken") != std::string::npos);
}

TEST_CASE("check ends by a signal") {
  const Variable slow("GENKIDAMA_TEST_SLOW", "0");
  RunningProgram program(call("check"));
  REQUIRE(program.wait_for_error_text("played three steps"));
  program.signal(SIGTERM);
  CHECK(program.wait().exit_code == 128 + SIGTERM);
}
