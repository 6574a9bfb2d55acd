// A learner and its actors from C++ code, with an environment of your own. Start one learner and any number
// of actors, on this machine or on others:
//   actors_and_learner learner 127.0.0.1:7000 runs/learner
//   actors_and_learner actor 127.0.0.1:7000 runs/actor_1
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <span>
#include <string>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/child_run.h"
#include "genkidama/run/evaluation.h"
#include "genkidama/run/learner_run.h"
#include "genkidama/run/preset.h"

namespace {

/// A tank with a leak, whose level is to be kept at a mark by a pump.
class Tank : public genkidama::DiscreteEnvironment {
 public:
  Tank() {
    spec_.name = "Tank";
    spec_.observation_size = 2;
    spec_.action_count = 3;  // pump out, wait, pump in
    spec_.time_limit = 40;
    spec_.repeatable = true;
  }
  const genkidama::EnvironmentSpec& spec() const override { return spec_; }
  genkidama::Observation reset(std::uint64_t seed) override {
    genkidama::Random random(seed);
    level_ = drawn(random);
    mark_ = drawn(random);
    steps_ = 0;
    return observe();
  }
  genkidama::StepResult step(int action) override {
    level_ = std::clamp(level_ + 0.15F * static_cast<float>(action - 1) - 0.02F, -1.0F, 1.0F);
    genkidama::StepResult result;
    result.truncated = ++steps_ == spec_.time_limit;
    result.reward = 0.1F - std::abs(level_ - mark_);
    result.observation = observe();
    return result;
  }

 private:
  static float drawn(genkidama::Random& random) { return -1 + 0.02F * static_cast<float>(random.below(101)); }
  genkidama::Observation observe() {
    observation_ = {level_, mark_};
    return observation_;
  }

  genkidama::EnvironmentSpec spec_;
  float level_ = 0, mark_ = 0;
  int steps_ = 0;
  std::array<float, 2> observation_{};
};

std::unique_ptr<genkidama::Environment> make_tank() {
  return std::make_unique<Tank>();
}

const auto kPreset = genkidama::run::tuned_preset();

/// The same network and rounds on all machines.
genkidama::OrchestratorOptions machine_options(genkidama::Learning learning) {
  genkidama::OrchestratorOptions options;
  genkidama::run::apply(kPreset, options);
  options.workers = 1;
  options.learning = learning;
  options.hyperparameters.round_end = genkidama::RoundEnd::kStep;
  options.hyperparameters.round_steps = 512;
  return options;
}

class Progress : public genkidama::run::RunObserver {
 public:
  void on_listening(std::span<const std::uint16_t> ports) override {
    fmt::print("listens on port {}\n", ports[0]);
    std::fflush(stdout);
  }
  void on_update(const genkidama::run::UpdateEvent& event) override {
    if (event.totals.updates % 20 != 0) return;
    fmt::print("update {}: mean return {:.2f}, policy lag {:.1f}\n", event.totals.updates,
               event.progress.mean_return.value_or(0), event.progress.policy_lag.value_or(0));
  }
};

int learn(const std::string& endpoint, const std::string& directory) {
  auto machine = machine_options(genkidama::Learning::kGiven);
  // Asynchronous actors bring steps of a policy that is a few updates old.
  machine.hyperparameters.vtrace = true;
  // The processes that learn and evaluate are forked before the thread of the sockets exists.
  genkidama::CoreOrchestrator trainer(make_tank, kPreset.network, machine);

  genkidama::ParentOptions learner;
  learner.listen = {genkidama::Endpoint::parse(endpoint)};
  learner.name = "learner";
  learner.segments.mode = genkidama::ActorMode::kAsynchronous;
  learner.segments.when_full = genkidama::FullQueue::kDropOldest;
  learner.rounds.max_staleness = 20;  // updates; older segments are dropped and counted
  genkidama::run::RunOptions options;
  options.directory = directory;
  options.resume = genkidama::run::Resume::kIfPossible;
  options.updates = 120;
  Progress progress;
  genkidama::run::LearnerRun run(trainer, options, learner, &progress);
  const auto summary = run.run();
  fmt::print("{}\n", genkidama::run::mean_text(summary.final_evaluation.value()));
  return summary.files_written ? 0 : 1;
}

int play(const std::string& endpoint, const std::string& directory) {
  auto machine = machine_options(genkidama::Learning::kElsewhere);
  // Actors with the same seed would play the same episodes.
  machine.seed = std::random_device{}();
  genkidama::CoreOrchestrator trainer(make_tank, kPreset.network, machine);

  genkidama::ChildOptions actor;
  actor.connect = genkidama::Endpoint::parse(endpoint);
  actor.exchange = genkidama::ExchangeKind::kSegments;
  actor.name = fmt::format("actor_{}", machine.seed);
  genkidama::run::RunOptions options;
  options.directory = directory;
  options.eval_episodes = 0;
  const auto summary = genkidama::run::ChildRun(trainer, options, actor).run();
  fmt::print("played {} steps\n", summary.totals.in_run.steps);
  return summary.files_written ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string role = argc > 1 ? argv[1] : "";
  if (argc != 4 || (role != "learner" && role != "actor")) {
    fmt::print(
        "usage: actors_and_learner learner HOST:PORT RUN_DIRECTORY\n"
        "       actors_and_learner actor HOST:PORT RUN_DIRECTORY\n");
    return 2;
  }
  return role == "learner" ? learn(argv[2], argv[3]) : play(argv[2], argv[3]);
} catch (const std::exception& error) {
  fmt::print(stderr, "actors_and_learner: {}\n", error.what());
  return 1;
}
