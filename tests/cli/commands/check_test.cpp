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

TEST_CASE("check tries the gradients of noisy layers too") {
  const auto tensors = [](const std::vector<std::string>& words) {
    const auto result = run_program(with(call("check", "--preset", "dqn", "--episodes", "2"), words));
    CAPTURE(result.output, result.errors);
    CHECK(result.exit_code == 0);
    const std::string before = "the gradients of ";
    const auto at = result.output.find(before);
    REQUIRE(at != std::string::npos);
    return std::atoi(result.output.c_str() + at + before.size());
  };
  // Three layers have a weight and a bias.
  CHECK(tensors({"--noisy-layers", "--dueling"}) == tensors({"--dueling"}) + 2 * 6);
  CHECK(tensors({"--noisy-layers"}) == tensors({}) + 6);
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

TEST_CASE("check tells where an environment ended the process, and how") {
  const auto [how, told] = GENERATE(table<std::string, std::string>(
      {{"exit", "exit code 0"}, {"_exit", "exit code 7"}, {"abort", "signal 6 (Aborted)"}}));
  const Variable end("GENKIDAMA_TEST_END", how.c_str());
  const auto result = run_program(call("check", "--episodes", "2"));
  CAPTURE(how, result.output, result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.output.find("FAILED: the process ended with " + told + " in step(") == 0);
  CHECK(result.output.find("as step 3 of its episode; expected") != std::string::npos);
}

TEST_CASE("check names an environment's name of several lines") {
  const Variable name("GENKIDAMA_TEST_NAME", "two\nlines");
  const auto result = run_program(call("check", "--episodes", "1"));
  CAPTURE(result.output, result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.output.find("spec().name is 'two?lines'") != std::string::npos);
}

TEST_CASE("check that is stopped says that it was not over") {
  const Variable slow("GENKIDAMA_TEST_SLOW", "0");
  RunningProgram program(call("check"));
  REQUIRE(program.wait_for_error_text("played three steps"));
  program.signal(SIGINT);
  const auto result = program.wait();
  CHECK(result.exit_code == 128 + SIGINT);
  CHECK(result.errors.find("check was stopped by a signal before it was over") != std::string::npos);
  CHECK(result.output.find("contract") == std::string::npos);
}

TEST_CASE("check ends by a signal") {
  const Variable slow("GENKIDAMA_TEST_SLOW", "0");
  RunningProgram program(call("check"));
  REQUIRE(program.wait_for_error_text("played three steps"));
  program.signal(SIGTERM);
  CHECK(program.wait().exit_code == 128 + SIGTERM);
}
