#include <sstream>

#include "cli/options/command_line.h"
#include "cli/options/resolved_program.h"
#include "cli/sweep/sweep_definition.h"
#include "cli/sweep/sweep_plan.h"
#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "refusal.h"
#include "run/sweep/definition.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;
using genkidama::test::refusal;

namespace {

using Words = std::vector<std::string>;

Words names_of(const Words& settings, const Words& grids) {
  Words names;
  for (const SweepPoint& point : parse_sweep_definition(settings, grids, "1").points) {
    names.push_back(setting_name(point));
  }
  return names;
}

std::vector<std::uint64_t> seeds_of(const std::string& text) {
  return parse_sweep_definition({}, {}, text).seeds;
}

Program test_program() {
  Program program;
  program.name = "test";
  program.environment = make_cart_pole;
  // Unlike the bundled ones, a program's own preset may have no end.
  program.presets["thesis"] = {};
  program.default_preset = "thesis";
  return program;
}

// The runs that a call of the program would make.
std::vector<SweepRun> plan_of(Words words) {
  static const ResolvedProgram program(test_program());
  words.insert(words.begin(), {"test", "sweep"});
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  std::ostringstream out;
  const auto settings =
      parse_command_line(static_cast<int>(arguments.size()), arguments.data(), program, out);
  REQUIRE(settings);
  const Job job{program, *settings};
  return plan_sweep(
      job, parse_sweep_definition(settings->sweep.settings, settings->sweep.grids, settings->sweep.seeds));
}

}  // namespace

TEST_CASE("an option that is varied is spelt with - or with _") {
  CHECK(names_of({}, {"learning_rate=0.1,0.2"}) == Words{"learning-rate=0.1", "learning-rate=0.2"});
  CHECK(names_of({"learning_rate=0.1,gae-lambda=1"}, {}) == Words{"learning-rate=0.1,gae-lambda=1"});
}

TEST_CASE("settings are named by what they change, in the order of the command line") {
  CHECK(names_of({}, {}) == Words{"default"});
  CHECK(names_of({}, {"alpha=0.1,0.50", "beta=0,.5"}) ==
        Words{"alpha=0.1,beta=0", "alpha=0.1,beta=.5", "alpha=0.50,beta=0", "alpha=0.50,beta=.5"});
  CHECK(names_of({"workers=8,gamma=0.99", " workers = 4 , gamma = 0.9"}, {}) ==
        Words{"workers=8,gamma=0.99", "workers=4,gamma=0.9"});
  CHECK(
      names_of({"workers=8", "gamma=0.9"}, {"seedless=1,2"}) ==
      Words{"workers=8,seedless=1", "workers=8,seedless=2", "gamma=0.9,seedless=1", "gamma=0.9,seedless=2"});
}

TEST_CASE("seeds are a count, a range or a list") {
  CHECK(seeds_of("3") == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(seeds_of("4-6") == std::vector<std::uint64_t>{4, 5, 6});
  CHECK(seeds_of("1,4,7") == std::vector<std::uint64_t>{1, 4, 7});
  CHECK(seeds_of("9,2-3,0") == std::vector<std::uint64_t>{9, 2, 3, 0});
}

TEST_CASE("a sweep that cannot be understood is refused with the reason") {
  struct Case {
    Words settings;
    Words grids;
    std::string seeds;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {{}, {"alpha"}, "1", "--grid is 'alpha'; expected NAME=VALUE,VALUE,..."},
      {{}, {"=1"}, "1", "--grid is '=1': a name or a value is empty"},
      {{}, {"alpha="}, "1", "a name or a value is empty"},
      {{}, {"alpha=1,,2"}, "1", "a name or a value is empty"},
      {{}, {"alpha=1,2,1"}, "1", "the value '1' is given twice"},
      {{}, {"alpha=a/b"}, "1", "'a/b' cannot be part of a directory's name"},
      {{}, {"alpha=1", "alpha=2"}, "1", "--grid is 'alpha=2': 'alpha' is varied already"},
      {{"alpha=1,alpha=2"}, {}, "1", "--setting is 'alpha=1,alpha=2': 'alpha' is varied already"},
      {{"alpha=1,2"}, {}, "1", "--setting is 'alpha=1,2'; expected NAME=VALUE,NAME=VALUE,..."},
      {{"alpha=1"}, {"alpha=2"}, "1", "--grid is 'alpha=2': 'alpha' is varied already"},
      {{"alpha=1", "alpha=1"}, {}, "1", "the setting 'alpha=1' is given twice"},
      {{"alpha=" + std::string(300, '1')}, {}, "1", "expected at most 200"},
      {{}, {"seed=1,2"}, "1", "'seed' cannot be varied: the seeds of a sweep come from --seeds"},
      {{}, {"run-dir=a,b"}, "1", "'run-dir' cannot be varied"},
      {{}, {"resume=a"}, "1", "'resume' cannot be varied"},
      {{}, {"config=a"}, "1", "'config' cannot be varied"},
      {{"greedy=true"}, {}, "1", "'greedy' cannot be varied"},
      {{}, {"eval-episodes=1,2"}, "1", "'eval-episodes' cannot be varied"},
      {{}, {}, "x", "--seeds is 'x'; expected 3 (for the seeds 1 to 3), 4-6, or 1,4,7"},
      {{}, {}, "", "--seeds is ''"},
      {{}, {}, "0", "--seeds is '0'"},
      {{}, {}, "3-1", "--seeds is '3-1'"},
      {{}, {}, "1,", "--seeds is '1,'"},
      {{}, {}, "-3", "--seeds is '-3'"},
      {{}, {}, "1,2-4,3", "--seeds is '1,2-4,3' with 3 twice"},
      {{}, {}, "1-99999999999", "more than"},
  };
  for (const Case& c : cases) {
    const std::string text = refusal([&] { parse_sweep_definition(c.settings, c.grids, c.seeds); });
    CAPTURE(c.settings, c.grids, c.seeds, text);
    CHECK(text.find(c.expected) != std::string::npos);
  }
}

TEST_CASE("every run of a sweep is the call it stands for") {
  const auto runs = plan_of({"train", "--updates", "9", "--run-dir", "dir", "--grid", "gamma=0.5,0.75",
                             "--seeds", "1-2", "--batch-size", "7", "--greedy", "--target=-12.5"});
  REQUIRE(runs.size() == 4);
  CHECK(runs[1].name() == "gamma=0.75 seed 1");
  CHECK(runs[1].directory == "dir/runs/gamma=0.75/seed_1");
  CHECK(runs[1].log() == "dir/runs/gamma=0.75/seed_1.log");
  CHECK(runs[2].name() == "gamma=0.5 seed 2");
  const Settings& settings = runs[3].settings;
  CHECK(settings.command == kTrain);
  CHECK(settings.learning.hyperparameters.gamma == 0.75);
  CHECK(settings.learning.hyperparameters.batch_size == 7);
  CHECK(settings.learning.seed == 2);
  CHECK(settings.run.updates == 9u);
  CHECK(settings.run.target == -12.5);
  CHECK(settings.run.greedy);
  CHECK(settings.run.eval_episodes == 0);
  CHECK(settings.run_dir == "dir/runs/gamma=0.75/seed_2");

  const auto cluster = plan_of({"--run-dir=dir", "--setting=alpha=0.25,beta=0.5,preset=thesis", "cluster",
                                "--children", "3", "--max-steps", "8e6"});
  REQUIRE(cluster.size() == 1);
  CHECK(cluster[0].settings.links.alpha == 0.25);
  CHECK(cluster[0].settings.links.beta == 0.5);
  CHECK(cluster[0].settings.cluster.children == 3);
}

TEST_CASE("runs that could not start are refused before the first one does") {
  struct Case {
    Words words;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {{}, "the command of the runs is missing; expected 'test sweep train ...'"},
      {{"child", "--updates", "1"}, "'child' is not a command that a sweep runs"},
      {{"--updates", "1", "train"}, "'--updates' is not a command that a sweep runs"},
      {{"train"}, "must end by itself; expected --updates, --max-steps, --target or --patience"},
      {{"train", "--updates", "1", "--gama", "2"}, "unknown argument '--gama'"},
      {{"train", "--updates", "1", "extra"}, "unknown argument 'extra'"},
      {{"train", "--updates", "1", "--grid", "gama=1"}, "'gama' is not an option of 'train'"},
      {{"train", "--updates", "1", "--grid", "alpha=1"}, "'alpha' is not an option of 'train'"},
      {{"train", "--updates", "1", "--grid", "gamma=0.5,1.5"},
       "setting gamma=1.5: --gamma is '1.5'; expected a number in [0, 1]"},
      {{"train", "--updates", "1", "--grid", "preset=thesis,fast"},
       "setting preset=fast: --preset is 'fast'; expected one of ape-x, appo, control, dqn, dyna-q, ga3c, "
       "gorila, impala, original, r2d2, sac, sample-factory, seed, thesis, thorough, tuned"},
      {{"train", "--updates", "1", "--grid", "updates=1,2"}, "--updates is given and varied too"},
      {{"train", "--updates", "1", "--seed", "1"}, "the seeds of a sweep come from --seeds"},
      {{"train", "--updates", "1", "--resume=x"}, "--resume is not an option of 'sweep'"},
      {{"train", "--updates", "1", "--jobs", "0"}, "--jobs is '0'; expected a whole number in [1, 4096]"},
      {{"train", "--updates", "1", "--eval-episodes", "-1"}, "--eval-episodes is '-1'"},
  };
  for (const Case& c : cases) {
    Words words = c.words;
    words.insert(words.end(), {"--run-dir", "dir"});
    const std::string text = refusal([&] { plan_of(words); });
    CAPTURE(c.words, text);
    CHECK(text.find(c.expected) != std::string::npos);
  }
  CHECK(refusal([] { plan_of({"train", "--updates", "1"}); }).find("--run-dir DIR is required") == 0);
}

TEST_CASE("a sweep remembers what it was and what is added") {
  const auto first = parse_sweep_definition({}, {"gamma=0.5,0.75"}, "2");
  const auto second = parse_sweep_definition({}, {"gamma=0.75,0.9"}, "2-3");
  const auto both = run::united(first, second);
  REQUIRE(both.points.size() == 3);
  CHECK(setting_name(both.points[2]) == "gamma=0.9");
  CHECK(both.seeds == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(run::varied_options(parse_sweep_definition({"b=1", "a=1,b=2"}, {"c=1"}, "1").points) ==
        Words{"b", "c", "a"});
}
