// A network with memory whose actions are masked or continuous, and whose observations are normalised.
#include <cmath>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/rl/policy.h"
#include "orchestrator/ppo_with.h"
#include "orchestrator/trained.h"
#include "support/catch.h"
#include "support/target_environment.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

struct Combination {
  std::string name;
  ActionSpace space;
  bool masked = false;
  bool normalised = false;
};

std::vector<Combination> combinations() {
  const ActionSpace choices{.choices = {3, 2}, .low = {}, .high = {}};
  const ActionSpace box{.choices = {}, .low = {-1, -2}, .high = {1, 2}};
  const ActionSpace hybrid{.choices = {3}, .low = {-1}, .high = {1}};
  std::vector<Combination> all = {{"choices", choices, true}, {"box", box}, {"hybrid", hybrid, true}};
  for (std::size_t i = 0; i < 3; ++i) {
    all.push_back(all[i]);
    all.back().name += ", normalised";
    all.back().normalised = true;
  }
  return all;
}

OrchestratorOptions options_of(const Combination& each, const char* algorithm,
                               WorkerMode mode = WorkerMode::kThreads) {
  OrchestratorOptions options;
  options.workers = 1;
  options.mode = mode;
  options.seed = 5;
  Hyperparameters& hyper = options.hyperparameters;
  hyper = tuned_hyperparameters();
  hyper.schedule = LearningRateSchedule::kConstant;
  hyper.algorithm = algorithm;
  hyper.round_steps = 100;
  hyper.batch_size = 7;
  hyper.sequence_length = 4;
  hyper.minibatch_size = 30;
  hyper.epsilon = 0;
  hyper.environments_per_worker = 2;
  hyper.normalise_observations = hyper.normalise_rewards = each.normalised;
  return options;
}

CoreOrchestrator trainer_of(const Combination& each, const OrchestratorOptions& options) {
  return CoreOrchestrator(target_factory(each.space, each.masked), mlp_network({.hidden = {8}, .memory = 6}),
                          options);
}

/// Learns nothing, and throws where what was played is not what would be learnt from.
class Checker final : public Learner {
 public:
  explicit Checker(const LearnerContext& context)
      : network_(context.network),
        spec_(context.environment),
        distribution_(action_distribution(spec_.action_space)) {}
  std::size_t segment_steps() const override { return 4; }
  void learn_segment(const Segment& segment) override {
    const auto size = static_cast<std::size_t>(spec_.observation_size);
    const auto outputs = static_cast<std::size_t>(network_.spec().policy);
    std::vector<float> state = segment.first_state, all(segment.size() * outputs), learnt(segment.size());
    for (std::size_t t = 0; t < segment.size(); ++t) {
      network_.recurrent_policy().step(network_.weights(),
                                       std::span(segment.observations).subspan(t * size, size), 1, state,
                                       std::span(all).subspan(t * outputs, outputs));
    }
    if (state != segment.last_state) throw std::runtime_error("the last state is not that of the steps");
    const std::size_t masks = spec_.masks_actions ? segment.size() * spec_.action_space.alternatives() : 0;
    if (segment.masks.size() != masks) throw std::runtime_error("there is not a mask for each step");
    distribution_->evaluate(all, segment.masks, segment.actions, learnt);
    for (std::size_t t = 0; t < segment.size(); ++t) {
      if (!(std::abs(learnt[t] - segment.log_probabilities[t]) < 1e-4f))
        throw std::runtime_error("an action has another probability than when it was chosen");
    }
  }
  void learn_round(Random&) override {}

 private:
  LocalNetwork& network_;
  EnvironmentSpec spec_;
  std::unique_ptr<ActionDistribution> distribution_;
};

}  // namespace

TEST_CASE("segments hold what a memory has seen, with masks, components and normalised observations") {
  for (const Combination& each : combinations()) {
    CAPTURE(each.name);
    OrchestratorOptions options = options_of(each, "ppo");
    options.algorithm = [](const Hyperparameters& hyper) {
      return std::make_unique<PpoWith<Checker>>(hyper);
    };
    CoreOrchestrator trainer = trainer_of(each, options);
    // The first round of a normalised run only counts.
    for (int round = 0; round < 3; ++round) CHECK_NOTHROW(trainer.train_round());
  }
}

TEST_CASE("a memory with any actions and with normalisation goes on from its state bit for bit", "[forks]") {
  for (const Combination& each : combinations()) {
    for (const char* algorithm : {"ppo", "a3c"}) {
      CAPTURE(each.name, algorithm);
      const OrchestratorOptions options = options_of(each, algorithm, WorkerMode::kProcesses);
      CoreOrchestrator whole = trainer_of(each, options);
      for (int round = 0; round < 3; ++round) whole.train_round();
      const auto before = weights_of(whole);
      const SavedState state(whole);
      CoreOrchestrator resumed = trainer_of(each, options);
      resumed.write_weights(before);
      resumed.restore(state.reader());
      for (int round = 0; round < 2; ++round) {
        whole.train_round();
        resumed.train_round();
      }
      CHECK(weights_of(whole) != before);
      CHECK(weights_of(resumed) == weights_of(whole));
      CHECK(resumed.own_statistics().statistics == whole.own_statistics().statistics);
    }
  }
}

TEST_CASE("a file of such a policy plays as its trainer does", "[forks]") {
  const TemporaryDirectory directory;
  for (const Combination& each : combinations()) {
    CAPTURE(each.name);
    CoreOrchestrator trainer = trainer_of(each, options_of(each, "ppo"));
    for (int round = 0; round < 3; ++round) trainer.train_round();
    write_safetensors(directory / "policy",
                      {trainer.layout(), weights_of(trainer), trainer.policy_metadata()});
    Policy policy = load_policy(directory / "policy");

    class Spy : public TargetEnvironment {
     public:
      using TargetEnvironment::TargetEnvironment;
      Observation reset(std::uint64_t seed) override {
        seeds.push_back(seed);
        return TargetEnvironment::reset(seed);
      }
      std::vector<std::uint64_t> seeds;
    };
    // The trainer's episodes, with the seeds that it draws for them.
    Spy* spy = nullptr;
    OrchestratorOptions options = options_of(each, "ppo");
    options.hyperparameters.environments_per_worker = 1;
    CoreOrchestrator player(
        [&](const EnvironmentContext& context) -> std::unique_ptr<Environment> {
          auto made = std::make_unique<Spy>(each.space, each.masked);
          if (context.purpose != EnvironmentPurpose::kDescribe) spy = made.get();
          return made;
        },
        mlp_network({.hidden = {8}, .memory = 6}), options);
    player.write_weights(weights_of(trainer));
    player.normalise_as(trainer.policy_metadata());
    const auto episodes = player.evaluate({.episodes = 5, .seed = 3, .greedy = true});
    REQUIRE(spy != nullptr);
    REQUIRE(spy->seeds.size() == 5);
    TargetEnvironment own(each.space, each.masked);
    for (std::size_t i = 0; i < 5; ++i) {
      Observation observation = own.reset(spy->seeds[i]);
      policy.reset();
      double total = 0;
      for (bool over = false; !over;) {
        const StepResult step = own.step(policy.act(observation, own.action_mask()));
        total += step.reward;
        observation = step.observation;
        over = step.terminated || step.truncated;
      }
      CHECK(total == Approx(episodes[i].episode_return).margin(1e-4));
    }
  }
}
