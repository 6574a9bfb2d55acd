// Your own environment: a corridor with a prize at its right end and a pit at its left end.
#include <fmt/format.h>

#include <array>
#include <memory>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "genkidama/env/scaled_environment.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/evaluation.h"

namespace {

class Corridor : public genkidama::DiscreteEnvironment {
 public:
  Corridor() {
    spec_.name = "Corridor";
    spec_.observation_size = 1;
    spec_.action_count = 2;  // left, right
    spec_.time_limit = 100;
    spec_.repeatable = true;  // a simulation: the same seed and actions give the same episode
    spec_.reward_threshold = 0.8;
  }

  const genkidama::EnvironmentSpec& spec() const override { return spec_; }

  genkidama::Observation reset(std::uint64_t seed) override {
    // All randomness comes from the seed, so that an episode can be played again.
    position_ = -3 + static_cast<int>(genkidama::Random(seed).below(7));
    steps_ = 0;
    return observe();
  }

  genkidama::StepResult step(int action) override {
    if (action < 0 || action > 1) throw genkidama::ArgumentError("Corridor: the action must be 0 or 1");
    position_ += action == 1 ? 1 : -1;
    ++steps_;
    genkidama::StepResult result;
    result.observation = observe();
    result.terminated = position_ == kEnd || position_ == -kEnd;
    // The time limit is no end of the task: `truncated` lets the value beyond it count.
    result.truncated = !result.terminated && steps_ == spec_.time_limit;
    result.reward = position_ == kEnd ? 1.0F : position_ == -kEnd ? -1.0F : -0.01F;
    return result;
  }

 private:
  static constexpr int kEnd = 5;

  genkidama::Observation observe() {
    observation_[0] = static_cast<float>(position_);
    return observation_;
  }

  genkidama::EnvironmentSpec spec_;
  int position_ = 0;
  int steps_ = 0;
  std::array<float, 1> observation_{};
};

}  // namespace

int main() {
  genkidama::OrchestratorOptions options;
  options.workers = 2;
  options.hyperparameters.optimizer = "adam";
  options.hyperparameters.learning_rate = 5e-3;
  options.hyperparameters.weight_decay = 0;
  options.hyperparameters.gamma = 0.99;
  // Networks learn best from observations of about unit size.
  const auto corridor = [] {
    return genkidama::make_scaled(std::make_unique<Corridor>(), {.offset = {0}, .scale = {0.2F}});
  };
  genkidama::CoreOrchestrator trainer(corridor, genkidama::thesis_network(), options);
  for (int round = 0; round < 300; ++round) trainer.train_round();

  const auto result = genkidama::run::evaluate(trainer, {.episodes = 100});
  fmt::print("after {} steps: {}\n", trainer.environment_steps(), genkidama::run::mean_text(result));
  return result.mean > 0.8 ? 0 : 1;
}
