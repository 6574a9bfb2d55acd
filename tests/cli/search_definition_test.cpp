#include "cli/sweep/search_definition.h"

#include <sstream>

#include "cli/options/command_line.h"
#include "cli/options/resolved_program.h"
#include "cli/sweep/sweep_plan.h"
#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "refusal.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;
using genkidama::test::refusal;

namespace {

using Words = std::vector<std::string>;

const ResolvedProgram& test_program() {
  static const ResolvedProgram program([] {
    Program made;
    made.name = "test";
    made.environment = make_cart_pole;
    return made;
  }());
  return program;
}

Job job_of(Words words) {
  words.insert(words.begin(), {"test", "sweep", "--run-dir=dir"});
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  std::ostringstream out;
  const auto settings =
      parse_command_line(static_cast<int>(arguments.size()), arguments.data(), test_program(), out);
  REQUIRE(settings);
  return {test_program(), *settings};
}

// The settings that the call would draw.
SweepDefinition drawn(const Words& words, std::uint64_t max_steps = 90'000) {
  const Job job = job_of(words);
  check_search(job.settings.sweep);
  return searched_definition(job.settings.sweep, max_steps);
}

}  // namespace

TEST_CASE("a range is an interval or a list of values") {
  const auto ranges = parse_ranges({"gamma=0.9..0.999", "learning_rate = 1e-4 .. 1e-2 log",
                                    "epochs=2..12 int", "batch-size=16..512 log int", "optimizer=sgd, adam"});
  REQUIRE(ranges.size() == 5);
  CHECK(ranges[0].option == "gamma");
  CHECK(ranges[0].low == 0.9);
  CHECK(ranges[0].high == 0.999);
  CHECK_FALSE(ranges[0].logarithmic);
  CHECK(ranges[1].option == "learning-rate");
  CHECK(ranges[1].high == 1e-2);
  CHECK(ranges[1].logarithmic);
  CHECK(ranges[2].whole);
  CHECK((ranges[3].whole && ranges[3].logarithmic));
  CHECK(ranges[4].choices == Words{"sgd", "adam"});
}

TEST_CASE("a range that cannot be understood is refused with the reason") {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"gamma"}, "--range is 'gamma'; expected NAME=LOW..HIGH"},
      {{"gamma=a..b"}, "--range is 'gamma=a..b'; expected NAME=LOW..HIGH"},
      {{"gamma=0.."}, "expected NAME=LOW..HIGH"},
      {{"gamma=0..1 lin"}, "expected NAME=LOW..HIGH"},
      {{"gamma=1,,2"}, "a name or a value is empty"},
      {{"gamma=1,1"}, "the value '1' is given twice"},
      {{"gamma=0..1", "gamma=1,2"}, "'gamma' is varied already"},
      {{"seed=1..5 int"}, "'seed' cannot be varied"}};
  for (const auto& [texts, expected] : cases) {
    CAPTURE(texts);
    CHECK(refusal([&] { parse_ranges(texts); }).find(expected) != std::string::npos);
  }
}

TEST_CASE("the flags of a search that do not go together are refused") {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"--range=gamma=0..1"}, "--range is given with --search grid; expected it with random or asha"},
      {{"--search-seed=2"}, "--search-seed is given with --search grid"},
      {{"--trials=2"}, "--trials is given with --search grid"},
      {{"--search=random"}, "--search is 'random'; expected --trials N"},
      {{"--search=random", "--trials=2", "--min-steps=9"}, "--min-steps is given with --search random"},
      {{"--search=random", "--trials=2", "--reduction=9"}, "--reduction is given with --search random"},
      {{"--search=asha"}, "expected --trials N, --budget STEPS or both"},
      {{"--search=ask", "--grid=gamma=0,1"}, "--grid or --setting is given with --search ask"},
      {{"--search=ask", "--range=gamma=0..1"}, "--range is given with --search ask"},
      {{"--search=asha", "--trials=9", "--range=gamma=1..0"}, "the range of 'gamma' is 1 to 0"},
      {{"--search=random", "--trials=6000", "--seeds=2"}, "expected at most 10000 runs"},
      {{"--search=random", "--trials=2", "--grid=gamma=0,1", "--range=gamma=0..1"},
       "has the option 'gamma' twice"}};
  for (const auto& [words, expected] : cases) {
    CAPTURE(words);
    CHECK(refusal([&, &words = words] { drawn(words); }).find(expected) != std::string::npos);
  }
}

TEST_CASE("a search draws as many settings as it is told, or as its budget could begin") {
  CHECK(drawn({"--search=random", "--trials=7", "--range=gamma=0..1"}).points.size() == 7);
  CHECK(drawn({"--search=random", "--trials=7", "--grid=gamma=0.1,0.2,0.3"}).points.size() == 3);
  // The first rung is 10,000 steps for each of two seeds.
  const Words asha = {"--search=asha", "--min-steps=10000", "--budget=100000", "--seeds=2",
                      "--range=gamma=0..1"};
  CHECK(drawn(asha).points.size() == 6);
  CHECK(drawn({"--search=ask", "--seeds=2"}).points.empty());
}

TEST_CASE("a run of successive halving has the schedule of the whole run, at every rung") {
  const Job job = job_of({"--search=asha", "--trials=3", "train", "--max-steps", "9000"});
  auto planned = plan_sweep(job, {{{{"gamma", "0.9"}}}, {1}}).front();
  CHECK(planned.settings.learning.hyperparameters.schedule_steps == 9000);
  planned.max_steps = 1000;
  Words words = training_words(planned, planned);
  CHECK(words.back() == "--max-steps=1000");
  CHECK(std::count(words.begin(), words.end(), "--schedule-steps=9000") == 1);
  CHECK(std::count(words.begin(), words.end(), "--max-steps") == 0);
  planned.resume = true;
  words = training_words(planned, planned);
  CHECK(words ==
        Words{"train", "--resume=dir/runs/gamma=0.9/seed_1", "--eval-episodes=0", "--max-steps=1000"});

  const auto refused = [](Words flags) {
    flags.insert(flags.begin(), {"--search=asha", "--trials=3", "train"});
    const Job refused_job = job_of(flags);
    return refusal([&] {
             plan_sweep(refused_job, {{{{"max-steps", "9"}}}, {1}});
           }) +
           " " + refusal([&] {
             plan_sweep(refused_job, {{{}}, {1}});
           });
  };
  CHECK(refused({"--max-steps=9", "--updates=3"}).find("none of --updates, --target and --patience") !=
        std::string::npos);
  CHECK(refused({}).find("'max-steps' cannot be varied: --search asha decides") == 0);
}
