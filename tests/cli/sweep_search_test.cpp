// Searches by the program itself.
#include <csignal>
#include <fstream>

#include "bad_argument.h"
#include "fixture.h"
#include "support/catch.h"

using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;
using Words = std::vector<std::string>;

Words search_call(const Path& directory, const Words& more) {
  Words words =
      call("sweep", "train", "--preset", "tuned", "--workers", "1", "--run-dir", directory.string());
  words.insert(words.end(), {"--max-steps", "1800", "--round-steps", "100", "--eval-episodes", "4"});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const Words kHalving = {"--search",      "asha", "--trials", "3",
                        "--min-steps",   "600",  "--range",  "learning-rate=1e-4..1e-2 log",
                        "--search-seed", "5"};

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("successive halving trains real runs on, and one that was killed ends the same", "[forks]") {
  const TemporaryDirectory directory;
  const Path whole = directory / "whole";
  const auto result = run_program(search_call(whole, kHalving));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK(result.errors.find("each trained to 600 steps, and the best on to 1800") != std::string::npos);
  CHECK(count_of(result.errors, ": starts, to 600 steps") == 3);
  CHECK(count_of(result.errors, ": goes on, to 1800 steps") == 1);
  CHECK(result.output.find("rung  steps  seeds") != std::string::npos);
  const auto record = json_of(whole / "search.json");
  CHECK(record["trials"].size() == 3);

  const Path parts = directory / "parts";
  {
    RunningProgram program(search_call(parts, kHalving));
    REQUIRE(program.wait_until([&] { return std::filesystem::exists(parts / "search.json"); }));
    program.signal(SIGKILL);
    program.wait();
    REQUIRE(program.all_gone());
  }
  const auto again = run_program(search_call(parts, kHalving));
  CAPTURE(again.errors);
  REQUIRE(again.exit_code == 0);
  CHECK(json_of(parts / "search.json") == record);

  // Nothing is left to do, and another search is refused.
  CHECK(run_program(search_call(whole, kHalving)).errors.find("starts") == std::string::npos);
  Words other = kHalving;
  other.insert(other.end(), {"--reduction", "2"});
  check_bad_argument(search_call(whole, other),
                     "was begun with rungs [600,1800], this call has [600,1200,1800]");
  Words longer = kHalving;
  longer.insert(longer.end(), {"--gamma", "0.5"});
  check_bad_argument(search_call(whole, longer), "this run was made with --gamma");
}

TEST_CASE("a budget ends a random search, which says so", "[forks]") {
  const TemporaryDirectory directory;
  const auto result =
      run_program(search_call(directory / "sweep", {"--search", "random", "--trials", "3", "--range",
                                                    "gamma=0.9..0.99", "--budget", "4000"}));
  CAPTURE(result.errors, result.output);
  REQUIRE(result.exit_code == 0);
  CHECK(result.output.find("The budget is spent: ") != std::string::npos);
  CHECK(result.output.find("2 of 3 runs are done") != std::string::npos);
}

TEST_CASE("a search without evaluations or an end is refused before anything is made") {
  const TemporaryDirectory directory;
  const Path sweep = directory / "sweep";
  const auto refused = [&](const Words& more) {
    Words words = call("sweep", "train", "--run-dir", sweep.string());
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  check_bad_argument(
      refused({"--search", "asha", "--trials", "2", "--eval-episodes", "0", "--max-steps", "9"}),
      "--eval-episodes is 0 with --search asha");
  check_bad_argument(refused({"--search", "none"}), "--search is 'none'; expected one of");
  check_bad_argument(refused({"--search", "asha", "--trials", "2", "--max-steps", "9", "--min-steps", "10"}),
                     "--min-steps is 10; expected at most --max-steps");
  check_bad_argument(refused({"--search", "asha", "--trials", "2", "--max-steps", "9", "--grid", "gama=1,2"}),
                     "'gama' is not an option of 'train'");
  CHECK_FALSE(std::filesystem::exists(sweep));
}
