// TD3 (Fujimoto et al. 2018, "Addressing Function Approximation Error in Actor-Critic Methods").

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "genkidama/rl/algorithms.h"
#include "genkidama/rl/replay_learner.h"
#include "genkidama/rl/target_weights.h"
#include "rl/algorithms/critic_network.h"
#include "rl/algorithms/critic_step.h"
#include "rl/behaviour/gaussian_units.h"
#include "rl/behaviour/uniform_start.h"

namespace genkidama {
namespace {

/// The policy's outputs go through tanh, which makes them actions in [-1, 1].
class Td3Learner final : public ReplayLearner {
 public:
  Td3Learner(const Hyperparameters& given, const LearnerContext& context)
      : ReplayLearner(given, context),
        network_(context.network),
        actions_(context.environment.action_space, {}),
        critics_(hyperparameters(), network_, actions_),
        target_(context.shared_state, {given.target_period, given.target_rate}) {}

  void begin_round(const Random& random) override {
    ReplayLearner::begin_round(random);
    target_.begin_round(network_.weights());
  }

 protected:
  LearningStatistics compute(const ReplayBatch& batch, std::span<float> errors, Random& random) override {
    compute_targets(batch, random);
    LearningStatistics statistics;
    if (is_policy_step()) {
      statistics.policy_loss = learn_policy(batch);
    } else {
      std::fill(network_.gradient().begin(), network_.gradient().end(), 0.0f);
    }
    // Last: what a policy's gradient leaves in the critics' part is undefined.
    statistics.value_loss = critics_.learn(batch, targets_, errors);
    return statistics;
  }

  void after_step(std::uint64_t steps) override {
    if (is_policy_step()) target_.follow(network_.weights(), steps);
  }

 private:
  bool is_policy_step() const {
    return own_step() % static_cast<std::uint64_t>(hyperparameters().policy_period) == 0;
  }

  std::span<float> outputs(std::size_t n) {
    outputs_.resize(n * actions_.size());
    return outputs_;
  }

  /// r + gamma^n min Q'(s', a'), with a' the target policy's action and some noise.
  void compute_targets(const ReplayBatch& batch, Random& random) {
    const std::size_t n = batch.size();
    const auto limit = static_cast<float>(hyperparameters().target_noise_limit);
    network_.evaluate_with(target_.weights(), batch.next_observations, outputs(n), {});
    for (float& output : outputs_) {
      const auto noise = static_cast<float>(hyperparameters().target_noise * random.normal());
      output = std::clamp(std::tanh(output) + std::clamp(noise, -limit, limit), -1.0f, 1.0f);
    }
    const auto values =
        critics_.least_values(target_.weights(), batch.next_observations, outputs_, n, random);
    targets_.resize(n);
    for (std::size_t i = 0; i < n; ++i) targets_[i] = batch.rewards[i] + batch.discounts[i] * values[i];
  }

  /// The loss is minus the mean value of the policy's actions.
  double learn_policy(const ReplayBatch& batch) {
    const std::size_t n = batch.size();
    network_.evaluate(batch.observations, outputs(n), {});
    for (float& output : outputs_) output = std::tanh(output);
    const auto scored = critics_.score(batch.observations, outputs_, n, CriticStep::Score::kFirst);
    by_outputs_.resize(outputs_.size());
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      by_outputs_[i] = scored.by_actions[i] * (1 - outputs_[i] * outputs_[i]);
    }
    network_.backpropagate(by_outputs_, {});
    return -scored.mean;
  }

  LocalNetwork& network_;
  GaussianUnits actions_;
  CriticStep critics_;
  TargetWeights target_;
  std::vector<float> outputs_, by_outputs_;  ///< [n, action width]
  std::vector<float> targets_;
};

class Td3 final : public Algorithm {
 public:
  explicit Td3(const Hyperparameters& hyperparameters) : hyperparameters_(hyperparameters) {}

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    const auto width = static_cast<int>(completed(environment).action_space.low.size());
    return critic_network(environment, hyperparameters_, width, "td3");
  }

  bool learns_from_replay() const override { return true; }
  void check_network(const LocalNetwork& network) const override { check_no_memory(network, "td3"); }

  std::size_t shared_state_size(std::size_t parameters) const override {
    return TargetWeights::shared_size(parameters);
  }

  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& environment) const override {
    return deterministic(completed(environment).action_space);
  }

  std::unique_ptr<Behaviour> make_explorer(const ExplorerContext& context) const override {
    return uniform_start(deterministic(context.environment.action_space, hyperparameters_.exploration_noise),
                         before_learning(hyperparameters_, context), ActionBounds::kClip);
  }

  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const override {
    return std::make_unique<Td3Learner>(hyperparameters_, context);
  }

 private:
  Hyperparameters hyperparameters_;
};

}  // namespace

std::unique_ptr<Algorithm> td3(const Hyperparameters& hyperparameters) {
  return std::make_unique<Td3>(hyperparameters);
}

}  // namespace genkidama
