// Your own algorithm that learns from a replay buffer: expected SARSA (van Seijen et al. 2009). It values the
// next observation by the mean over all actions of the policy it explores with, a softmax of the values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include "genkidama/env/cart_pole.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/replay_learner.h"
#include "genkidama/rl/target_weights.h"
#include "genkidama/run/evaluation.h"

namespace {

class SarsaLearner : public genkidama::ReplayLearner {
 public:
  SarsaLearner(const genkidama::Hyperparameters& hyperparameters, const genkidama::LearnerContext& context)
      : ReplayLearner(hyperparameters, context),
        network_(context.network),
        actions_(static_cast<std::size_t>(context.network.spec().policy)),
        target_(context.shared_state, {.rate = hyperparameters.target_rate}) {}

  void begin_round(const genkidama::Random& random) override {
    ReplayLearner::begin_round(random);
    target_.begin_round(network_.weights());
  }

 protected:
  genkidama::LearningStatistics compute(const genkidama::ReplayBatch& batch, std::span<float> errors,
                                        genkidama::Random& /*random*/) override {
    const std::size_t n = batch.size();
    values_.resize(n * actions_);
    targets_.resize(n);
    by_values_.assign(n * actions_, 0.0F);
    network_.evaluate_with(target_.weights(), batch.next_observations, values_, {});
    for (std::size_t i = 0; i < n; ++i) targets_[i] = batch.rewards[i] + batch.discounts[i] * expected(i);

    network_.evaluate(batch.observations, values_, {});
    genkidama::LearningStatistics statistics;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = i * actions_ + static_cast<std::size_t>(batch.actions[i]);
      errors[i] = values_[at] - targets_[i];
      by_values_[at] = batch.weights[i] * std::clamp(errors[i], -1.0F, 1.0F) / static_cast<float>(n);
      statistics.value_loss += errors[i] * errors[i] / static_cast<float>(n);
    }
    network_.backpropagate(by_values_, {});
    return statistics;
  }

  void after_step(std::uint64_t steps) override { target_.follow(network_.weights(), steps); }

 private:
  // The mean of a row of values_, each weighed by the softmax from which actions are drawn.
  float expected(std::size_t row) const {
    const auto values = std::span(values_).subspan(row * actions_, actions_);
    const float largest = *std::max_element(values.begin(), values.end());
    float sum = 0, total = 0;
    for (const float value : values) {
      const float chance = std::exp(value - largest);
      sum += chance * value;
      total += chance;
    }
    return sum / total;
  }

  genkidama::LocalNetwork& network_;
  std::size_t actions_;
  genkidama::TargetWeights target_;
  std::vector<float> values_, targets_, by_values_;
};

class Sarsa : public genkidama::Algorithm {
 public:
  explicit Sarsa(const genkidama::Hyperparameters& hyperparameters) : hyperparameters_(hyperparameters) {}

  // A value for each action, and none of the observation.
  genkidama::NetworkSpec network(const genkidama::EnvironmentSpec& environment) const override {
    return {environment.observation_shape, genkidama::action_outputs(environment.action_space), 0};
  }

  bool learns_from_replay() const override { return true; }

  // The target network. It is part of every checkpoint.
  std::size_t shared_state_size(std::size_t parameters) const override {
    return genkidama::TargetWeights::shared_size(parameters);
  }

  // Actions are drawn from the softmax of the values.
  std::unique_ptr<genkidama::Behaviour> make_behaviour(
      const genkidama::EnvironmentSpec& environment) const override {
    return genkidama::action_behaviour(environment.action_space, hyperparameters_, hyperparameters_.epsilon);
  }

  std::unique_ptr<genkidama::Learner> make_learner(const genkidama::LearnerContext& context) const override {
    return std::make_unique<SarsaLearner>(hyperparameters_, context);
  }

 private:
  genkidama::Hyperparameters hyperparameters_;
};

}  // namespace

int main() {
  genkidama::OrchestratorOptions options;
  options.workers = 2;
  options.replay_capacity = 50'000;
  options.hyperparameters = genkidama::dqn_hyperparameters();
  options.hyperparameters.schedule = genkidama::Schedule::kConstant;
  options.hyperparameters.gamma = 0.99;
  options.hyperparameters.reward_scale = 1;
  options.algorithm = [](const genkidama::Hyperparameters& hyperparameters) {
    return std::make_unique<Sarsa>(hyperparameters);
  };
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, genkidama::mlp_network({.layer_norm = true}),
                                      options);

  const double before = genkidama::run::evaluate(trainer, {.episodes = 50, .greedy = true}).mean;
  // What a value-based agent plays falls and rises again while it learns, and no two runs with more than one
  // worker are the same, so training ends with the task solved and not after so many steps.
  double after = before;
  for (int round = 1; round <= 150 && after < 400; ++round) {
    trainer.train_round();
    if (round % 5 == 0) after = genkidama::run::evaluate(trainer, {.episodes = 50, .greedy = true}).mean;
  }
  fmt::print("mean return {:.0f} before, {:.0f} after {} steps\n", before, after,
             trainer.environment_steps());
  return after >= 400 ? 0 : 1;
}
