// Workers carry the state of a network with memory: from step to step, and no further than an episode.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "genkidama/env/recall.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/rl/algorithms.h"
#include "orchestrator/ppo_with.h"
#include "orchestrator/trained.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr int kDelay = 6;  // an episode has 7 steps

std::unique_ptr<Environment> recall() {
  return make_recall({.cues = 2, .delay = kDelay});
}

const NetworkFactory kMemory = mlp_network({.hidden = {8}, .memory = 12});

OrchestratorOptions options_of(WorkerMode mode, int workers, const std::string& algorithm) {
  OrchestratorOptions options;
  options.workers = workers;
  options.mode = mode;
  options.seed = 5;
  options.hyperparameters = tuned_hyperparameters();
  options.hyperparameters.schedule = LearningRateSchedule::kConstant;
  options.hyperparameters.algorithm = algorithm;
  options.hyperparameters.round_steps = 140;
  options.hyperparameters.batch_size = 5;
  options.hyperparameters.sequence_length = 4;
  options.hyperparameters.minibatch_size = 30;
  options.hyperparameters.environments_per_worker = 2;
  return options;
}

/// Learns nothing, and throws where a segment's states are not those of the network and its episode.
class StateChecker final : public Learner {
 public:
  explicit StateChecker(const LearnerContext& context) : network_(context.network) {}
  std::size_t segment_steps() const override { return 3; }
  void learn_segment(const Segment& segment) override {
    const std::size_t width = segment.last_observation.size();
    if (segment.first_state.size() != 12 || segment.last_state.size() != 12) {
      throw std::runtime_error("a state has the wrong size");
    }
    const auto is_cue = [&](std::size_t t) {
      return segment.observations[t * width] + segment.observations[t * width + 1] > 0;
    };
    const bool zeros = std::all_of(segment.first_state.begin(), segment.first_state.end(),
                                   [](float value) { return value == 0; });
    if (zeros != is_cue(0)) throw std::runtime_error("a state is 0 at an episode's start and there only");
    std::vector<float> state = segment.first_state, outputs(2);
    for (std::size_t t = 0; t < segment.size(); ++t) {
      const auto observation = std::span(segment.observations).subspan(t * width, width);
      network_.recurrent_policy().step(network_.weights(), observation, 1, state, outputs);
    }
    if (state != segment.last_state) throw std::runtime_error("the last state is not that of the steps");
    ++segments_;
  }
  void learn_round(Random&) override {
    if (segments_ == 0) throw std::runtime_error("no segment was seen");
  }

 private:
  LocalNetwork& network_;
  int segments_ = 0;
};

}  // namespace

TEST_CASE("segments have the states with which they were played") {
  for (const int environments : {1, 3}) {
    OrchestratorOptions options = options_of(WorkerMode::kThreads, 1, "ppo");
    options.hyperparameters.environments_per_worker = environments;
    options.algorithm = [](const Hyperparameters& hyper) {
      return std::make_unique<test::PpoWith<StateChecker>>(hyper);
    };
    CoreOrchestrator trainer(recall, kMemory, options);
    CHECK_NOTHROW(trainer.train_round());
    CHECK_NOTHROW(trainer.train_round());
  }
}

TEST_CASE("a network with memory learns alike in threads and in processes, and recalls", "[forks]") {
  for (const char* algorithm : {"ppo", "a3c"}) {
    CAPTURE(algorithm);
    CoreOrchestrator threads(recall, kMemory, options_of(WorkerMode::kThreads, 1, algorithm));
    CoreOrchestrator processes(recall, kMemory, options_of(WorkerMode::kProcesses, 1, algorithm));
    for (int i = 0; i < 5; ++i) {
      threads.train_round();
      processes.train_round();
    }
    CHECK(weights_of(threads) == weights_of(processes));
  }
}

TEST_CASE("a resumed trainer of a network with memory goes on bit for bit", "[forks]") {
  for (const char* algorithm : {"ppo", "a3c"}) {
    CAPTURE(algorithm);
    const OrchestratorOptions options = options_of(WorkerMode::kProcesses, 1, algorithm);
    CoreOrchestrator whole(recall, kMemory, options);
    for (int i = 0; i < 4; ++i) whole.train_round();
    const auto weights = weights_of(whole);
    const SavedState state(whole);
    CoreOrchestrator resumed(recall, kMemory, options);
    resumed.write_weights(weights);
    resumed.restore(state.reader());
    for (int i = 0; i < 4; ++i) {
      whole.train_round();
      resumed.train_round();
    }
    CHECK(weights_of(resumed) == weights_of(whole));
  }
}

TEST_CASE("a memory answers what was asked six steps ago, which a network without memory guesses") {
  const auto share_of_right_answers = [](const NetworkFactory& network, int rounds) {
    OrchestratorOptions options = options_of(WorkerMode::kThreads, 1, "ppo");
    options.hyperparameters.round_steps = 1024;
    options.hyperparameters.sequence_length = 16;
    options.hyperparameters.learning_rate = 3e-3;
    options.hyperparameters.reward_scale = 1;
    CoreOrchestrator trainer(recall, network, options);
    for (int i = 0; i < rounds; ++i) trainer.train_round();
    double sum = 0;
    const auto episodes = trainer.evaluate({400, 9, true});
    for (const EpisodeResult& episode : episodes) sum += episode.episode_return;
    return sum / static_cast<double>(episodes.size());
  };
  CHECK(share_of_right_answers(kMemory, 60) >= 0.99);
  CHECK(share_of_right_answers(mlp_network({.hidden = {8}}), 10) == Approx(0.5).margin(0.12));
}

TEST_CASE("dqn with memory answers what was asked six steps ago") {
  OrchestratorOptions options = options_of(WorkerMode::kThreads, 1, "dqn");
  Hyperparameters& hyper = options.hyperparameters = dqn_hyperparameters();
  hyper.schedule = Schedule::kConstant;
  hyper.learning_rate = 3e-3;
  hyper.final_learning_rate = 0;
  hyper.gamma = 0.9;
  hyper.reward_scale = 1;
  hyper.round_steps = 1'000;
  hyper.sequence_length = 8;
  hyper.burn_in = 8;
  hyper.learning_starts = 500;
  hyper.epsilon_steps = 3'000;
  hyper.target_rate = 0.02;
  options.replay_capacity = 20'000;
  CoreOrchestrator trainer(recall, kMemory, options);
  for (int i = 0; i < 12; ++i) trainer.train_round();
  double sum = 0;
  const auto episodes = trainer.evaluate({400, 9, true});
  for (const EpisodeResult& episode : episodes) sum += episode.episode_return;
  CHECK(sum / static_cast<double>(episodes.size()) >= 0.99);
  // The run's state has all that goes on.
  StateWriter state;
  trainer.save(state);
  const auto weights = weights_of(trainer);
  CoreOrchestrator resumed(recall, kMemory, options);
  resumed.write_weights(weights);
  const Checkpoint saved = state.take();
  resumed.restore(StateReader(saved, "test"));
  trainer.train_round();
  resumed.train_round();
  CHECK(weights_of(resumed) == weights_of(trainer));
}
