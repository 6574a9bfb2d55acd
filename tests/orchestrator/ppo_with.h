#pragma once

// PPO's network and behaviour with another learner, which looks at what it is given.

#include <memory>

#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/algorithms.h"

namespace genkidama::test {

/// LearnerType is made of a LearnerContext.
template <typename LearnerType>
class PpoWith final : public Algorithm {
 public:
  explicit PpoWith(const Hyperparameters& hyperparameters) : ppo_(ppo(hyperparameters)) {}
  NetworkSpec network(const EnvironmentSpec& spec) const override { return ppo_->network(spec); }
  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& spec) const override {
    return ppo_->make_behaviour(spec);
  }
  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const override {
    return std::make_unique<LearnerType>(context);
  }

 private:
  std::unique_ptr<Algorithm> ppo_;
};

}  // namespace genkidama::test
