// Successive halving over runs that only pretend.
#include <map>
#include <stdexcept>

#include "genkidama/core/error.h"
#include "pretended_run.h"
#include "support/catch.h"
#include "support/json_file.h"
#include "support/run_program.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;
using Words = std::vector<std::string>;

// The higher "a" is the better, and seeds differ a little.
double score_of(const SweepRun& run) {
  return std::stod(run.point.front().value) + 0.1 * static_cast<double>(run.seed);
}

// Every training, once it has ended: "a=3 seed 1 300".
Path log_in(const SweepRun& run) {
  return run.directory.parent_path().parent_path().parent_path() / "trainings";
}

int train(const SweepRun& run) {
  pretend_trained(run, *run.max_steps);
  std::ofstream(log_in(run), std::ios::app) << run.name() << " " << *run.max_steps << "\n";
  return 0;
}

int evaluate(const SweepRun& run) {
  pretend_evaluated(run, score_of(run), *run.max_steps);
  return 0;
}

SweepOptions halving_options(const Path& directory, int settings = 9) {
  SweepOptions options;
  options.directory = directory;
  for (int i = 1; i <= settings; ++i) options.definition.points.push_back({{"a", std::to_string(i)}});
  options.definition.seeds = {1};
  options.halving = SweepHalving{100, 900, 3};
  options.train.function = train;
  options.evaluate.function = evaluate;
  options.evaluation = [](const SweepRun&) { return EvaluationRequest{2, 5, true}; };
  return options;
}

Words trainings(const Path& directory) {
  std::istringstream lines(file_text(directory / "trainings"));
  Words found;
  for (std::string line; std::getline(lines, line);) found.push_back(line);
  return found;
}

/// Throws at one of the things that happen, as if the program had died there.
class Killer : public SweepObserver {
 public:
  explicit Killer(int at) : left_(at) {}
  void on_start(const SweepProgress&) override { step(); }
  void on_run_start(const SweepRun&) override { step(); }
  void on_run_end(const SweepRun&, double, std::optional<double>, const SweepProgress&) override { step(); }
  void on_wait(const SweepProgress& progress) override {
    // Not while a run is trained, which may be logged already or not.
    if (progress.jobs.empty() || progress.jobs.front().evaluates) step();
  }

 private:
  void step() {
    if (--left_ == 0) throw std::runtime_error("killed");
  }
  int left_;
};

}  // namespace

TEST_CASE("successive halving trains the best on, from where they stopped", "[forks]") {
  const TemporaryDirectory directory;
  const auto options = halving_options(directory / "sweep");
  Recorder recorder;
  const SweepSummary summary = Sweep(options).run(&recorder);
  CAPTURE(summary.failures);
  REQUIRE(summary.failures.empty());
  // The later settings are the better ones, so each of the promotions was right when it was made.
  CHECK(trainings(options.directory) ==
        Words{"a=1 seed 1 100", "a=2 seed 1 100", "a=3 seed 1 100", "a=3 seed 1 300", "a=4 seed 1 100",
              "a=4 seed 1 300", "a=5 seed 1 100", "a=5 seed 1 300", "a=5 seed 1 900", "a=6 seed 1 100",
              "a=6 seed 1 300", "a=6 seed 1 900", "a=7 seed 1 100", "a=7 seed 1 300", "a=7 seed 1 900",
              "a=8 seed 1 100", "a=8 seed 1 300", "a=8 seed 1 900", "a=9 seed 1 100", "a=9 seed 1 300",
              "a=9 seed 1 900"});
  CHECK(recorder.started[3] == "a=3 seed 1 again");
  CHECK(summary.done == 21);
  CHECK(summary.due == 21);
  CHECK(summary.steps == 5 * 900 + 2 * 300 + 2 * 100);
  REQUIRE(summary.settings.size() == 9);
  CHECK(summary.settings[0].setting == "a=9");
  CHECK(summary.settings[0].rung == 3);
  CHECK(summary.settings[0].steps == 900);
  CHECK(summary.settings[0].median == Approx(9.1));
  CHECK(summary.settings[8].setting == "a=1");
  CHECK(summary.settings[8].rung == 1);

  SECTION("made again it has nothing to do, and more settings go on") {
    Recorder again;
    CHECK(Sweep(options).run(&again).done == 21);
    CHECK(again.started.empty());
    const auto more = halving_options(options.directory, 12);
    CHECK(Sweep(more).run(&again).failures.empty());
    CHECK(again.started.front() == "a=10 seed 1");
    CHECK(again.started[1] == "a=10 seed 1 again");
  }
  SECTION("another search is refused with what differs") {
    auto other = options;
    other.halving->reduction = 2;
    CHECK(refusal_of(other).find("was begun with rungs [100,300,900], this call has [100,200,400,800,900]") !=
          std::string::npos);
    other = options;
    other.definition.seeds = {1, 2};
    CHECK(refusal_of(other).find("was begun with seeds [1], this call has [1,2]") != std::string::npos);
    other = options;
    other.evaluation = [](const SweepRun&) { return EvaluationRequest{3, 5, true}; };
    CHECK(refusal_of(other).find("eval_episodes 2, this call has 3") != std::string::npos);
    const Path file = options.directory / "search.json";
    auto record = json_of(file);
    record["trials"][0]["rung"] = 4;
    std::ofstream(file) << record;
    CHECK(refusal_of(options).find("the trial a=1 has 1 scores for 4 rungs of 3") != std::string::npos);
    std::ofstream(file) << "[";
    CHECK(refusal_of(options).find("not the record of a search") != std::string::npos);
  }
}

TEST_CASE("a search that is killed at any moment loses and repeats no rung", "[forks]") {
  const TemporaryDirectory directory;
  const auto whole = halving_options(directory / "whole", 5);
  CHECK(Sweep(whole).run().failures.empty());
  const auto parts = halving_options(directory / "parts", 5);
  int kills = 0;
  // Each time a little later; the number of events between is small enough to hit every kind.
  for (bool killed = true; killed; ++kills) {
    REQUIRE(kills < 100);
    Killer killer(2 + kills % 7);
    killed = false;
    try {
      Sweep(parts).run(&killer);
    } catch (const std::runtime_error&) {
      killed = true;
    }
  }
  CHECK(kills > 5);
  auto made = trainings(parts.directory);
  auto expected = trainings(whole.directory);
  CHECK(file_text(parts.directory / "search.json") == file_text(whole.directory / "search.json"));
  std::sort(made.begin(), made.end());
  std::sort(expected.begin(), expected.end());
  CHECK(made == expected);
}

TEST_CASE("a rung whose training or evaluation is there is not made again", "[forks]") {
  const TemporaryDirectory directory;
  const auto options = halving_options(directory / "sweep", 1);
  CHECK(Sweep(options).run().done == 1);
  // As if it had been killed before the score, and then before the evaluation.
  const Path file = options.directory / "search.json";
  auto record = json_of(file);
  record["trials"][0]["scores"] = std::vector<double>{};
  std::ofstream(file) << record;
  Recorder recorder;
  CHECK(Sweep(options).run(&recorder).done == 1);
  CHECK(recorder.done_at_start == 1);
  CHECK(json_of(file)["trials"][0]["scores"][0] == 1.1);

  std::ofstream(file) << record;
  std::filesystem::remove(options.directory / "runs" / "a=1" / "seed_1" / "checkpoint_evaluations.csv");
  CHECK(Sweep(options).run(&recorder).done == 1);
  CHECK(json_of(file)["trials"][0]["scores"][0] == 1.1);
  CHECK(recorder.started.empty());
  CHECK(trainings(options.directory) == Words{"a=1 seed 1 100"});

  // As if it had been killed once it had decided to train on: the summary is that of the rung before.
  record["trials"][0]["rung"] = 2;
  record["trials"][0]["scores"] = std::vector<double>{1.1};
  std::ofstream(file) << record;
  CHECK(Sweep(options).run(&recorder).failures.empty());
  CHECK(recorder.started == Words{"a=1 seed 1 again"});
  CHECK(trainings(options.directory) == Words{"a=1 seed 1 100", "a=1 seed 1 300"});
}

TEST_CASE("several seeds of a setting are trained alike and count as their median", "[forks]") {
  const TemporaryDirectory directory;
  auto options = halving_options(directory / "sweep", 3);
  options.definition.seeds = {1, 2, 9};
  options.jobs = 3;
  const SweepSummary summary = Sweep(options).run();
  REQUIRE(summary.failures.empty());
  CHECK(summary.done == 4 * 3);
  CHECK(summary.settings[0].setting == "a=3");
  CHECK(summary.settings[0].seeds == 3);
  CHECK(summary.settings[0].median == Approx(3.2));
  CHECK(json_of(options.directory / "search.json")["trials"][2]["scores"][0] == Approx(3.2));
}

TEST_CASE("a setting that fails is not trained on, and is tried again by the next call", "[forks]") {
  const TemporaryDirectory directory;
  auto options = halving_options(directory / "sweep", 3);
  options.train.function = [](const SweepRun& run) { return run.setting() == "a=3" ? 1 : train(run); };
  const SweepSummary summary = Sweep(options).run();
  CHECK(summary.failures.size() == 1);
  CHECK(trainings(options.directory).back() == "a=2 seed 1 300");
  options.train.function = train;
  CHECK(Sweep(options).run().failures.empty());
  CHECK(trainings(options.directory).back() == "a=3 seed 1 300");
}

TEST_CASE("a budget ends a search, and a larger one goes on with it", "[forks]") {
  const TemporaryDirectory directory;
  auto options = halving_options(directory / "sweep");
  options.budget = 550;
  SweepSummary summary = Sweep(options).run();
  CHECK(summary.budget_spent);
  // a=4 is due for 200 more, and 50 are left.
  CHECK(trainings(options.directory) ==
        Words{"a=1 seed 1 100", "a=2 seed 1 100", "a=3 seed 1 100", "a=3 seed 1 300"});
  CHECK(summary.steps == 500);
  options.budget = 600;
  summary = Sweep(options).run();
  CHECK(summary.budget_spent);
  CHECK(trainings(options.directory).back() == "a=4 seed 1 100");
  options.budget = 0;
  CHECK_FALSE(Sweep(options).run().budget_spent);
}

TEST_CASE("a budget ends a grid too", "[forks]") {
  const TemporaryDirectory directory;
  auto options = halving_options(directory / "sweep", 4);
  options.halving.reset();
  options.train.function = [](const SweepRun& run) {
    pretend_trained(run, 105);  // the last round went beyond
    return 0;
  };
  options.evaluate.function = [](const SweepRun& run) {
    pretend_evaluated(run, 1, 105);
    return 0;
  };
  options.budget = 210;
  SECTION("whose runs' ends are known") {
    options.steps = [](const SweepRun&) { return std::optional<std::uint64_t>(100); };
    const SweepSummary summary = Sweep(options).run();
    CHECK(summary.budget_spent);
    CHECK(summary.done == 2);
    CHECK(summary.due == 4);
    CHECK(summary.steps == 210);
  }
  SECTION("or not") {
    options.budget = 211;
    const SweepSummary summary = Sweep(options).run();
    CHECK(summary.budget_spent);
    CHECK(summary.done == 3);
  }
}

TEST_CASE("a search that is not possible is refused") {
  const TemporaryDirectory directory;
  const auto refused = [&](const std::function<void(SweepOptions&)>& change) {
    auto options = halving_options(directory / "sweep");
    change(options);
    return refusal_of(options);
  };
  CHECK(refused([](auto& o) { o.asking.emplace(); }).find("halving and asking are both given") == 0);
  CHECK(refused([](auto& o) { o.evaluation = {}; }).find("halving needs an evaluation of every run") == 0);
  CHECK(refused([](auto& o) { o.halving->max_steps = 0; }).find("max_steps is 0") == 0);
  CHECK(refused([](auto& o) { o.halving->min_steps = 901; }).find("min_steps is 901") == 0);
  CHECK(refused([](auto& o) { o.halving->reduction = 1; }).find("reduction is 1") == 0);
  CHECK_FALSE(std::filesystem::exists(directory / "sweep"));
}
