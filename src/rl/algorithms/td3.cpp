// TD3 (Fujimoto et al. 2018, "Addressing Function Approximation Error in Actor-Critic Methods").

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "genkidama/rl/algorithms.h"
#include "rl/algorithms/critic_network.h"
#include "rl/algorithms/critic_step.h"
#include "rl/algorithms/distance_loss.h"
#include "rl/algorithms/replay_algorithm.h"
#include "rl/behaviour/gaussian_units.h"
#include "rl/behaviour/uniform_start.h"

namespace genkidama {
namespace {

/// The policy's outputs go through tanh, which makes them actions in [-1, 1].
class Td3Learner final : public TargetLearner {
 public:
  Td3Learner(const Hyperparameters& given, const LearnerContext& context)
      : TargetLearner(given, context),
        actions_(context.environment.action_space, {}),
        critics_(hyperparameters(), network(), actions_) {}

 protected:
  LearningStatistics compute(const ReplayBatch& batch, std::span<float> errors, Random& random) override {
    compute_targets(batch, random);
    LearningStatistics statistics;
    if (is_policy_step()) {
      statistics.policy_loss = learn_policy(batch);
    } else {
      std::fill(network().gradient().begin(), network().gradient().end(), 0.0f);
    }
    // Last: what a policy's gradient leaves in the critics' part is undefined.
    statistics.value_loss = critics_.learn(batch, targets_, errors);
    return statistics;
  }

  void after_step(std::uint64_t steps) override {
    if (is_policy_step()) TargetLearner::after_step(steps);
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
    network().evaluate_with(target_weights(), batch.next_observations, outputs(n), {});
    for (float& output : outputs_) {
      const auto noise = static_cast<float>(hyperparameters().target_noise * random.normal());
      output = std::clamp(std::tanh(output) + std::clamp(noise, -limit, limit), -1.0f, 1.0f);
    }
    const auto values = critics_.least_values(target_weights(), batch.next_observations, outputs_, n, random);
    targets_.resize(n);
    for (std::size_t i = 0; i < n; ++i) targets_[i] = batch.rewards[i] + batch.discounts[i] * values[i];
  }

  /// The loss is minus the mean value of the policy's actions.
  double learn_policy(const ReplayBatch& batch) {
    const std::size_t n = batch.size();
    network().evaluate(batch.observations, outputs(n), {});
    for (float& output : outputs_) output = std::tanh(output);
    const auto scored = critics_.score(batch.observations, outputs_, n, CriticStep::Score::kFirst);
    by_outputs_.resize(outputs_.size());
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      by_outputs_[i] = scored.by_actions[i] * (1 - outputs_[i] * outputs_[i]);
    }
    network().backpropagate(by_outputs_, {});
    return -scored.mean;
  }

  GaussianUnits actions_;
  CriticStep critics_;
  std::vector<float> outputs_, by_outputs_;  ///< [n, action width]
  std::vector<float> targets_;
};

class Td3 final : public ReplayAlgorithm<Td3Learner> {
 public:
  explicit Td3(const Hyperparameters& hyperparameters) : ReplayAlgorithm("td3", hyperparameters) {}

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    const auto width = static_cast<int>(completed(environment).action_space.low.size());
    return critic_network(environment, hyperparameters(), width, name());
  }

  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& environment) const override {
    return deterministic(completed(environment).action_space);
  }

  std::unique_ptr<ImitationLoss> make_imitation_loss(const EnvironmentSpec& environment,
                                                     const CloningOptions&) const override {
    return distance_loss(completed(environment).action_space);
  }

  std::unique_ptr<Behaviour> make_explorer(const ExplorerContext& context) const override {
    return uniform_start(deterministic(context.environment.action_space, hyperparameters().exploration_noise),
                         before_learning(hyperparameters(), context), ActionBounds::kClip);
  }
};

}  // namespace

std::unique_ptr<Algorithm> td3(const Hyperparameters& hyperparameters) {
  return std::make_unique<Td3>(hyperparameters);
}

}  // namespace genkidama
