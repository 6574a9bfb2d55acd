#pragma once

/// @file
/// What A3C and PPO have in common: they differ in how a worker learns, and in nothing else.

#include <memory>

#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/hyperparameters.h"
#include "rl/algorithms/likelihood_loss.h"

namespace genkidama {

/// A policy and a value, actions that are drawn from the policy, and a LearnerType that is made of
/// hyperparameters and a LearnerContext.
template <typename LearnerType>
class ActorCriticAlgorithm final : public Algorithm {
 public:
  explicit ActorCriticAlgorithm(const Hyperparameters& hyperparameters) : hyperparameters_(hyperparameters) {}

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    return actor_critic_network(environment, hyperparameters_);
  }
  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& environment) const override {
    return action_behaviour(environment.action_space, hyperparameters_, hyperparameters_.epsilon);
  }
  std::unique_ptr<ImitationLoss> make_imitation_loss(const EnvironmentSpec& environment,
                                                     const CloningOptions& options) const override {
    return likelihood_loss(completed(environment).action_space, hyperparameters_, options.least_deviation);
  }
  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const override {
    return std::make_unique<LearnerType>(hyperparameters_, context);
  }

 private:
  Hyperparameters hyperparameters_;
};

}  // namespace genkidama
