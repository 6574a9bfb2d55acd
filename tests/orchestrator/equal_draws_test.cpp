// Workers that draw their actions with the same random numbers.
#include <memory>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

constexpr int kSteps = 12;
constexpr int kWorkers = 3;

/// An episode whose return says which actions were taken, and whose metric says with which seed it began.
class Diary final : public DiscreteEnvironment {
 public:
  Diary() {
    spec_.name = "Diary";
    spec_.observation_size = 1;
    spec_.action_count = 2;
    spec_.time_limit = kSteps;
    spec_.metrics = {"start"};
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t seed) override {
    start_ = static_cast<float>(Random(seed).uniform(0, 1));
    step_ = 0;
    return observation_;
  }
  StepResult step(int action) override {
    StepResult result;
    result.reward = static_cast<float>(action << step_);
    result.truncated = ++step_ == kSteps;
    result.observation = observation_;
    if (result.truncated) result.metrics = {&start_, 1};
    return result;
  }

 private:
  EnvironmentSpec spec_;
  std::vector<float> observation_{1};
  float start_ = 0;
  int step_ = 0;
};

/// The episodes of `rounds` rounds of three workers, whose policy does not change.
std::vector<EpisodeResult> played(bool equal_draws, int rounds) {
  OrchestratorOptions options;
  options.mode = WorkerMode::kThreads;
  options.workers = kWorkers;
  options.hyperparameters.learning_rate = 1e-30;
  options.hyperparameters.equal_draws = equal_draws;
  CoreOrchestrator trainer([] { return std::make_unique<Diary>(); }, thesis_network(), options);
  std::vector<EpisodeResult> episodes;
  for (int round = 0; round < rounds; ++round) {
    const auto report = trainer.train_round();
    episodes.insert(episodes.end(), report.episodes.begin(), report.episodes.end());
  }
  return episodes;
}

}  // namespace

TEST_CASE("workers with equal draws take the same actions in episodes of their own") {
  const auto episodes = played(true, 2);
  REQUIRE(episodes.size() == 2 * kWorkers);
  for (const std::size_t first : {0, kWorkers}) {
    for (std::size_t i = first + 1; i < first + kWorkers; ++i) {
      CHECK(episodes[i].episode_return == episodes[first].episode_return);
      CHECK(episodes[i].metrics != episodes[first].metrics);
    }
  }
  CHECK(episodes[0].episode_return != episodes[kWorkers].episode_return);
}

TEST_CASE("workers draw numbers of their own unless equal draws are asked for") {
  const auto episodes = played(false, 1);
  REQUIRE(episodes.size() == kWorkers);
  CHECK(episodes[0].episode_return != episodes[1].episode_return);
  CHECK(episodes[1].episode_return != episodes[2].episode_return);
}
