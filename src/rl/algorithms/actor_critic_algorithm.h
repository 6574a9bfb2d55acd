#pragma once

/// @file
/// What A3C and PPO have in common: they differ in how a worker learns, and in nothing else.

#include <memory>

#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/hyperparameters.h"

namespace genkidama {

/// A policy and a value, choices that are drawn from the policy, and a LearnerType that is made of
/// hyperparameters and a LearnerContext.
template <typename LearnerType>
class ActorCriticAlgorithm final : public Algorithm {
 public:
  explicit ActorCriticAlgorithm(const Hyperparameters& hyperparameters) : hyperparameters_(hyperparameters) {}

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    return actor_critic_network(environment);
  }
  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec&) const override {
    return categorical(hyperparameters_.epsilon);
  }
  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const override {
    return std::make_unique<LearnerType>(hyperparameters_, context);
  }

 private:
  Hyperparameters hyperparameters_;
};

}  // namespace genkidama
