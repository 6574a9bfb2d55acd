// Training runs without a command line: what they leave, how they go on, what observers are told.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/trainer_run.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/json_file.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

RunOptions options_of(const std::filesystem::path& directory, std::uint64_t updates) {
  RunOptions options = options_in(directory);
  options.updates = updates;
  options.checkpoint_every = 5;
  options.checkpoint_seconds = 0;
  return options;
}

std::vector<float> weights_in(const std::filesystem::path& file) {
  return read_safetensors(file).weights;
}

/// What was told, a word for each call.
class Record : public RunObserver {
 public:
  void on_start(const RunInfo& info) override {
    words.push_back(info.resumed ? "resumed" : "start");
    environment = info.environment;
    last.updates = info.progress.updates;
  }
  void on_update(const UpdateEvent& event) override {
    words.emplace_back("update");
    CHECK(event.round != nullptr);
    CHECK(event.merge == nullptr);
    CHECK(event.totals.updates == event.progress.updates);
    last = event.totals;
  }
  void on_evaluation(const EvaluationEvent& event) override {
    words.push_back(event.final ? "final" : event.best ? "best" : "evaluation");
    CHECK(event.update == last.updates);
  }
  void on_checkpoint(const CheckpointEvent& event) override {
    words.emplace_back("checkpoint");
    CHECK(std::filesystem::exists(event.state));
    CHECK(std::filesystem::exists(event.policy));
  }
  void on_end(const RunSummary&) override { words.emplace_back("end"); }

  std::vector<std::string> words;
  std::string environment;
  RunTotals last;
};

/// Trains until the program ends as from a kill: nothing is finished.
void train_and_leave(const std::filesystem::path& directory, std::uint64_t updates) {
  CoreOrchestrator trainer = trainer_of({8});
  TrainerRun run(trainer, options_of(directory, 1000));
  while (run.totals().updates < updates) run.advance();
}

}  // namespace

TEST_CASE("a run from code leaves what a run of the command line leaves", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  RunOptions options = options_of(directory / "run", 6);
  options.eval_episodes = 3;
  const RunSummary summary = train(trainer, options);
  CHECK(summary.ended_by == "updates");
  CHECK_FALSE(summary.stopped);
  CHECK(summary.files_written);
  CHECK(summary.totals.updates == 6);
  CHECK(summary.totals.in_run.steps == trainer.environment_steps());
  CHECK(summary.totals.wall_seconds > 0);
  REQUIRE(summary.final_evaluation);
  CHECK(summary.final_evaluation->episodes == 3);
  for (const char* file : {"config.json", "metrics.csv", "state.safetensors", "final.safetensors",
                           "checkpoints/update_000005.safetensors"}) {
    CAPTURE(file);
    CHECK(std::filesystem::exists(directory / "run" / file));
  }
  const auto json = json_of(directory / "run" / "summary.json");
  CHECK(json["updates"] == 6);
  CHECK(json["workers"] == 1);
  CHECK(json["final_evaluation"]["mean"] == summary.final_evaluation->mean);
  // The trainer has learning's own weights, not those of an evaluation.
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  CHECK(weights == weights_in(directory / "run" / "final.safetensors"));
}

TEST_CASE("a run that was left in the middle goes on to the same weights", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator whole = trainer_of({8});
  train(whole, options_of(directory / "whole", 20));

  train_and_leave(directory / "left", 13);
  CHECK_FALSE(std::filesystem::exists(directory / "left" / "final.safetensors"));
  CoreOrchestrator resumed = trainer_of({8});
  TrainerRun run(resumed, options_of(directory / "left", 20));
  CHECK(run.totals().updates == 10);  // of the last checkpoint
  int rounds = 0;
  while (run.advance()) ++rounds;
  CHECK(rounds == 10);
  CHECK(run.finish().totals.in_run.steps == whole.environment_steps());
  CHECK(weights_in(directory / "left" / "final.safetensors") ==
        weights_in(directory / "whole" / "final.safetensors"));
}

TEST_CASE("a finished run goes on when it is given a later end", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  train(trainer, options_of(directory / "run", 3));
  CoreOrchestrator second = trainer_of({8});
  CHECK(train(second, options_of(directory / "run", 3)).totals.updates == 3);
  CHECK(train(second, options_of(directory / "run", 5)).totals.updates == 5);
}

TEST_CASE("observers are told in order", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  RunOptions options = options_of(directory / "run", 6);
  options.evaluate_every = 3;
  options.target_episodes = 1;
  options.eval_episodes = 1;
  Record record;
  Record same;
  RunObservers both({&record, &same});
  train(trainer, options, &both);
  CHECK(record.environment == trainer.environment_spec().name);
  const std::vector<std::string> start = {"start", "update", "update", "update",
                                          "best",  "update", "update", "checkpoint"};
  REQUIRE(record.words.size() > start.size());
  CHECK(std::equal(start.begin(), start.end(), record.words.begin()));
  const std::vector<std::string> end(record.words.end() - 3, record.words.end());
  CHECK(end == std::vector<std::string>{"checkpoint", "final", "end"});
  CHECK(same.words == record.words);

  Record later;
  CoreOrchestrator second = trainer_of({8});
  train(second, options, &later);
  CHECK(later.words.front() == "resumed");
}

TEST_CASE("the program ends a run with a reason of its own, and no evaluation follows", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  RunOptions options = options_of(directory / "run", 1000);
  options.eval_episodes = 10;
  int asked = 0;
  options.end_reason = [&asked] { return std::string(++asked > 6 ? "lunch" : ""); };
  const RunSummary summary = train(trainer, options);
  CHECK(summary.ended_by == "lunch");
  CHECK(summary.stopped);
  CHECK_FALSE(summary.final_evaluation);
  CHECK(summary.totals.updates > 0);
  CHECK(json_of(directory / "run" / "summary.json")["ended_by"] == "lunch");
}

TEST_CASE("a loop may stop whenever it likes", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  {
    TrainerRun run(trainer, options_of(directory / "run", 1000));
    CHECK(run.advance());
    CHECK(run.advance());
    CHECK_FALSE(run.ended_by());
    const RunSummary summary = run.finish();
    CHECK(summary.ended_by == "caller");
    CHECK(summary.totals.updates == 2);
    CHECK_THROWS_AS(run.finish(), ArgumentError);
    CHECK_FALSE(run.advance());
  }
  CoreOrchestrator second = trainer_of({8});
  CHECK(TrainerRun(second, options_of(directory / "run", 1000)).totals().updates == 2);
}

TEST_CASE("a run that diverges says so in its summary, and cannot be finished", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  RunOptions options = options_of(directory / "run", 10);
  options.max_weight_norm = 1e-3;
  TrainerRun run(trainer, options);
  CHECK_THROWS_WITH(run.advance(), Catch::Contains("max_weight_norm"));
  CHECK_FALSE(run.advance());
  CHECK_THROWS_AS(run.finish(), ArgumentError);
  const auto json = json_of(directory / "run" / "summary.json");
  CHECK(json["ended_by"] == "error");
  CHECK_FALSE(std::filesystem::exists(directory / "run" / "final.safetensors"));
}

TEST_CASE("what an observer throws fails the run", "[forks]") {
  class Thrower : public RunObserver {
    void on_update(const UpdateEvent&) override { throw IoError("the page is gone"); }
  };
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  Thrower thrower;
  CHECK_THROWS_WITH(train(trainer, options_of(directory / "run", 10), &thrower), "the page is gone");
  CHECK(json_of(directory / "run" / "summary.json")["error"] == "the page is gone");
}

TEST_CASE("whatever is thrown at a run fails it, from wherever it comes", "[forks]") {
  class Thrower : public RunObserver {
   public:
    explicit Thrower(std::string at) : at_(std::move(at)) {}
    void on_start(const RunInfo&) override { act("start"); }
    void on_update(const UpdateEvent&) override { act("update"); }
    void on_end(const RunSummary&) override { act("end"); }

   private:
    void act(const std::string& where) const {
      if (where == at_) throw 5;
    }
    std::string at_;
  };
  const std::string at = GENERATE("start", "update", "end");
  CAPTURE(at);
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  Thrower thrower(at);
  CHECK_THROWS_AS(train(trainer, options_of(directory / "run", 2), &thrower), int);
  const auto json = json_of(directory / "run" / "summary.json");
  CHECK(json["ended_by"] == "error");
  CHECK(json["error"] == "something that is no std::exception was thrown");
}

TEST_CASE("an end_reason that throws fails the run", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  RunOptions options = options_of(directory / "run", 10);
  bool throws = false;
  options.end_reason = [&throws]() -> std::string {
    if (throws) throw IoError("nobody knows");
    return "";
  };
  TrainerRun run(trainer, options);
  CHECK(run.advance());
  throws = true;
  CHECK_THROWS_WITH(run.advance(), "nobody knows");
  throws = false;
  CHECK(run.ended_by() == "error");
  CHECK_FALSE(run.advance());
  CHECK_THROWS_AS(run.finish(), ArgumentError);
  CHECK(json_of(directory / "run" / "summary.json")["error"] == "nobody knows");
}

TEST_CASE("a run replaces nobody else's files", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  for (const char* file : {"metrics.csv", "evaluations.csv", "summary.json", "best.safetensors", "sweep.json",
                           "checkpoints/update_000005.safetensors"}) {
    CAPTURE(file);
    const auto place = directory / "place";
    std::filesystem::remove_all(place);
    std::filesystem::create_directories(place / "checkpoints");
    std::ofstream(place / file) << "mine";
    CHECK_THROWS_AS(train(trainer, options_of(place, 2)), ArgumentError);
    CHECK(file_text(place / file) == "mine");
    CHECK_FALSE(std::filesystem::exists(place / "config.json"));
  }
}

TEST_CASE("a run's options and directory are checked before the first round", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  RunOptions endless = options_of(directory / "endless", 1);
  endless.updates.reset();
  CHECK_THROWS_WITH(train(trainer, endless), Catch::Contains("has no end"));
  CHECK_FALSE(std::filesystem::exists(directory / "endless"));

  RunOptions options = options_of(directory / "run", 2);
  options.resume = Resume::kRequired;
  CHECK_THROWS_AS(train(trainer, options), ArgumentError);
  options.resume = Resume::kNever;
  train(trainer, options);
  CHECK_THROWS_AS(train(trainer, options), ArgumentError);

  CoreOrchestrator wider = trainer_of({9});
  CHECK_THROWS_AS(train(wider, options_of(directory / "run", 4)), ArgumentError);
  // Whoever was refused has left the run as it was.
  CHECK(json_of(directory / "run" / "summary.json")["updates"] == 2);
}

TEST_CASE("an option that no run can have is named, and nothing is made", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer = trainer_of({8});
  const auto refusal = [&](const std::function<void(RunOptions&)>& change) -> std::string {
    RunOptions options = options_of(directory / "run", 2);
    options.option_name = [](std::string_view field) { return "my " + std::string(field); };
    change(options);
    try {
      train(trainer, options);
    } catch (const ArgumentError& error) {
      return error.what();
    }
    return "";
  };
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  CHECK(refusal([](auto& o) { o.updates = 0; }) == "my updates is 0; expected at least 1");
  CHECK(refusal([](auto& o) { o.max_steps = 0; }) == "my max_steps is 0; expected at least 1");
  CHECK(refusal([](auto& o) { o.checkpoint_every = 0; }) == "my checkpoint_every is 0; expected at least 1");
  CHECK(refusal([](auto& o) { o.evaluate_every = 0; }) == "my evaluate_every is 0; expected at least 1");
  CHECK(refusal([](auto& o) { o.target_episodes = 0; }) == "my target_episodes is 0; expected at least 1");
  CHECK(refusal([](auto& o) { o.eval_episodes = -1; }) == "my eval_episodes is -1; expected at least 0");
  CHECK(refusal([](auto& o) { o.target = kNan; }) == "my target is nan; expected a finite number");
  CHECK(refusal([](auto& o) { o.max_weight_norm = kNan; }).find("my max_weight_norm is nan") == 0);
  CHECK(refusal([](auto& o) { o.max_weight_norm = -1; }).find("my max_weight_norm is -1") == 0);
  CHECK(refusal([](auto& o) { o.checkpoint_seconds = -1; }).find("my checkpoint_seconds is -1") == 0);
  CHECK_FALSE(refusal([](auto& o) {
                o.policy_average.kind = PolicyAverageKind::kEma;
                o.policy_average.decay = 1;
              }).empty());
  CHECK(refusal([](auto& o) {
          o.policy_average.kind = PolicyAverageKind::kSwa;
          o.updates.reset();
          o.end_reason = [] { return "soon"; };
        }).find("my policy_average is swa; expected a run whose end is known") == 0);
  CHECK(refusal([](auto& o) { o.record.config = "[1]"; }).find("my record.config is '[1]'") == 0);
  CHECK_FALSE(std::filesystem::exists(directory / "run"));
  CHECK(refusal([](auto&) {}).empty());
}
