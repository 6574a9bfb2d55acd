// Runs that begin with demonstrations.
#include <functional>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/demonstrations.h"
#include "genkidama/run/child_run.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/parent_run.h"
#include "genkidama/run/trainer_run.h"
#include "run/resumed_run.h"
#include "support/cart_pole_expert.h"
#include "support/catch.h"
#include "support/json_file.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;
using Catch::Contains;

namespace {

Hyperparameters learning() {
  Hyperparameters hyperparameters;
  hyperparameters.algorithm = "ppo";
  hyperparameters.optimizer = "adam";
  hyperparameters.learning_rate = 1e-3;
  hyperparameters.gamma = 0.99;
  return hyperparameters;
}

class DemonstratedRun {
 public:
  DemonstratedRun() { write_demonstrations(file(), cart_pole_demonstrations()); }

  std::filesystem::path file() const { return directory / "balanced.safetensors"; }
  RunOptions options(const std::string& name) const {
    RunOptions options = options_in(directory / name);
    options.updates = 3;
    options.demonstrations = file();
    options.cloning.epochs = 30;
    options.cloning.learning_rate = 3e-3;
    return options;
  }

  TemporaryDirectory directory;
};

std::vector<float> weights_of(const CoreOrchestrator& trainer) {
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  return weights;
}

std::string refusal_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "taken";
}

/// Remembers what it is told, in order.
class Ear : public RunObserver {
 public:
  void on_cloning(const CloningEvent& event) override {
    told += event.report != nullptr ? "cloned " : "pass ";
    if (event.epoch != nullptr) CHECK(event.epoch->epoch == passes++);
  }
  void on_start(const RunInfo&) override { told += "start "; }
  void on_evaluation(const EvaluationEvent& event) override {
    told += "evaluation " + std::to_string(event.update) + (event.final ? " final " : " ");
  }
  void on_update(const UpdateEvent&) override { told += "update "; }

  std::string told;
  int passes = 0;
};

}  // namespace

TEST_CASE("a run fits its policy before the first round, evaluates it, and tells how", "[forks]") {
  const DemonstratedRun run;
  CoreOrchestrator trainer = trainer_of({16}, learning());
  RunOptions options = run.options("run");
  options.eval_episodes = 10;
  options.target_episodes = 10;
  Ear ear;
  const RunSummary summary = train(trainer, options, &ear);
  std::string passes;
  for (int i = 0; i <= 30; ++i) passes += "pass ";
  CHECK(ear.told == passes + "cloned start evaluation 0 update update update evaluation 3 final ");
  CHECK(summary.totals.updates == 3);
  const auto json = json_of(run.directory / "run" / "cloning.json");
  CHECK(json["file"] == run.file().string());
  CHECK(json["hash"].get<std::string>().size() == 16);
  CHECK(json["recorder"] == "a controller");
  CHECK(json["episodes"] == 4);
  CHECK(json["held_out_episodes"] == 1);
  CHECK(json["passes"].size() == 31);
  CHECK(json["after"]["agreement"].get<double>() > 0.75);
  CHECK(json["after"]["loss"].get<double>() < json["before"]["loss"].get<double>());
  auto told = json_of(run.directory / "run" / "summary.json")["cloning"];
  CHECK(told["hash"] == json["hash"]);
  CHECK(told["after"] == json["after"]);
  CHECK_FALSE(told.contains("passes"));
  const std::string evaluations = file_text(run.directory / "run" / "evaluations.csv");
  CHECK(evaluations.find("\n0,0,") != std::string::npos);
}

TEST_CASE("a run that only clones ends before the first round, and a later process trains it", "[forks]") {
  const DemonstratedRun run;
  RunOptions options = run.options("run");
  options.clone_only = true;
  {
    CoreOrchestrator trainer = trainer_of({16}, learning());
    const RunSummary summary = train(trainer, options);
    CHECK(summary.ended_by == "cloned");
    CHECK(summary.totals.updates == 0);
    CHECK(summary.totals.in_run.steps == 0);
  }
  const auto cloned = read_safetensors(run.directory / "run" / "final.safetensors").weights;
  const std::string how = file_text(run.directory / "run" / "cloning.json");

  options.clone_only = false;
  CoreOrchestrator trainer = trainer_of({16}, learning());
  Ear ear;
  TrainerRun resumed(trainer, options, &ear);
  CHECK(weights_of(trainer) == cloned);
  while (resumed.advance()) {
  }
  CHECK(resumed.finish().totals.updates == 3);
  CHECK(ear.told == "start update update update ");
  CHECK(file_text(run.directory / "run" / "cloning.json") == how);
  CHECK(json_of(run.directory / "run" / "summary.json")["cloning"]["file"] == run.file().string());
}

TEST_CASE("a run that goes on takes no demonstrations", "[forks]") {
  const DemonstratedRun run;
  RunOptions options = run.options("run");
  CoreOrchestrator trainer = trainer_of({16}, learning());
  train(trainer, options);
  options.resume = Resume::kRequired;
  options.updates = 5;
  CHECK_THAT(refusal_of([&] { TrainerRun(trainer, options); }),
             Contains("demonstrations " + run.file().string() + ": the run in ") &&
                 Contains("goes on from its own state; leave demonstrations out"));
}

TEST_CASE("the same demonstrations and seed clone the same policy", "[forks]") {
  const DemonstratedRun run;
  const auto cloned = [&](const std::string& name, std::uint64_t seed) {
    CoreOrchestrator trainer = trainer_of({16}, learning());
    RunOptions options = run.options(name);
    options.cloning.seed = seed;
    options.clone_only = true;
    train(trainer, options);
    return weights_of(trainer);
  };
  const auto first = cloned("first", 1);
  CHECK(cloned("second", 1) == first);
  CHECK(cloned("third", 2) != first);
}

TEST_CASE("a run that normalises begins with the statistics of the demonstrations", "[forks]") {
  const DemonstratedRun run;
  Hyperparameters hyperparameters = learning();
  hyperparameters.normalise_observations = hyperparameters.normalise_rewards = true;
  CoreOrchestrator trainer = trainer_of({16}, hyperparameters);
  RunOptions options = run.options("run");
  TrainerRun begun(trainer, options);
  const auto cloned = weights_of(trainer);
  // There is something to normalise with, so the first round learns.
  REQUIRE(begun.advance());
  CHECK(weights_of(trainer) != cloned);
  begun.finish();
  options.directory = run.directory / "other";
  options.init_from = run.directory / "run" / "final.safetensors";
  CHECK_THAT(refusal_of([&] { TrainerRun(trainer, options); }), Contains("expected one of the two"));
}

TEST_CASE("a run that is stopped while it clones leaves nothing that another one would take for a policy",
          "[forks]") {
  const DemonstratedRun run;
  CoreOrchestrator trainer = trainer_of({16}, learning());
  const auto own = weights_of(trainer);
  RunOptions options = run.options("run");
  options.end_reason = [] { return "enough"; };
  CHECK_THROWS_AS(TrainerRun(trainer, options), StoppedError);
  CHECK(weights_of(trainer) == own);
  CHECK_FALSE(std::filesystem::exists(run.directory / "run" / "cloning.json"));
  CHECK_FALSE(std::filesystem::exists(run.directory / "run" / "final.safetensors"));
  // The same program that is started again clones.
  options.end_reason = {};
  CHECK(train(trainer, options).totals.updates == 3);
  CHECK(std::filesystem::exists(run.directory / "run" / "cloning.json"));
}

TEST_CASE("demonstrations that a run cannot begin with are refused before anything is made", "[forks]") {
  const DemonstratedRun run;
  CoreOrchestrator trainer = trainer_of({16}, learning());
  const auto refused = [&](const std::filesystem::path& file) {
    RunOptions options = run.options("run");
    options.demonstrations = file;
    const std::string text = refusal_of([&] { TrainerRun(trainer, options); });
    CHECK(text.find("demonstrations " + file.string() + ": ") == 0);
    CHECK_FALSE(std::filesystem::exists(run.directory / "run"));
    return text;
  };
  CHECK_THAT(refused(run.directory / "none"), Contains("No such file"));
  Demonstrations other = cart_pole_demonstrations(1);
  other.environment = "Acrobot-v1";
  write_demonstrations(run.directory / "other", other);
  CHECK_THAT(refused(run.directory / "other"),
             Contains("recorded in 'Acrobot-v1', and this environment is 'CartPole-v1'"));
  RunOptions options = run.options("run");
  options.demonstrations.clear();
  options.clone_only = true;
  CHECK_THAT(refusal_of([&] { TrainerRun(trainer, options); }),
             Contains("clone_only is given; expected a file of demonstrations together with it"));
}

TEST_CASE("a Parent clones, and a Child begins with its Parent's weights", "[forks]") {
  const DemonstratedRun run;
  CoreOrchestrator trainer = trainer_of({16}, learning());
  CHECK_THAT(refusal_of([&] { ChildRun(trainer, run.options("child"), ChildOptions{}); }),
             Contains("a Child begins with its Parent's weights; give the file to the Parent"));
  MemberContext member;
  member.number = 1;
  RunOptions options = run.options("child");
  apply(member, options);
  CHECK(options.demonstrations.empty());

  const auto own = weights_of(trainer);
  RunOptions parent = run.options("parent");
  parent.clone_only = true;
  ParentOptions links;
  links.listen = {Endpoint::parse("127.0.0.1:0")};
  CHECK(ParentRun(trainer, parent, links).run().ended_by == "cloned");
  CHECK(read_safetensors(run.directory / "parent" / "final.safetensors").weights != own);
  CHECK(json_of(run.directory / "parent" / "cloning.json")["after"]["agreement"].get<double>() > 0.75);
}
