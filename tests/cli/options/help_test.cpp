#include <sstream>

#include "cli/options/help.h"
#include "fixture.h"
#include "on_terminal.h"
#include "support/catch.h"

using namespace genkidama::cli;
using namespace genkidama::test;

namespace {

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    longest = std::max(longest, line.size());
  }
  return longest;
}

constexpr const char* kCommands[] = {"train",    "parent",  "child",  "cluster", "server", "environment-host",
                                     "evaluate", "watch",   "export", "check",   "sweep",  "simulate",
                                     "plan",     "compare", "report"};

}  // namespace

TEST_CASE("lines are wrapped at spaces") {
  CHECK(wrapped("one two three", 7) == "one two\nthree");
  CHECK(wrapped("one two three", 13) == "one two three");
  CHECK(wrapped("one two three", 2) == "one\ntwo\nthree");
  CHECK(wrapped("  name    what it is", 14, 4) == "  name    what\n    it is");
  CHECK(wrapped("first\nand second", 6) == "first\nand\nsecond");
}

TEST_CASE("help has at most 80 columns where there is no terminal") {
  for (const char* command : kCommands) {
    CAPTURE(command);
    const auto result = run_program(call(command, "--help"));
    CHECK(result.exit_code == 0);
    CHECK(longest_line(result.output) <= 80);
  }
  CHECK(longest_line(run_program(call("--help")).output) <= 80);
}

TEST_CASE("help fits the terminal that it is printed on") {
  for (const char* command : kCommands) {
    CAPTURE(command);
    CHECK(longest_line(on_terminal(call(command, "--help"), 100)) <= 100);
    CHECK(longest_line(on_terminal(call(command, "--help"), 50)) <= 50);
  }
}
