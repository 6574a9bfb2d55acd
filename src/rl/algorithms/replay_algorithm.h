#pragma once

// What dqn, sac and td3 have in common: they learn from the steps of a replay buffer, with a target
// network.

#include <memory>

#include "genkidama/nn/local_network.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/hyperparameters.h"
#include "genkidama/rl/replay_learner.h"
#include "genkidama/rl/target_weights.h"

namespace genkidama {

/// A learner whose target network follows after each optimizer step.
class TargetLearner : public ReplayLearner {
 public:
  TargetLearner(const Hyperparameters& given, const LearnerContext& context)
      : ReplayLearner(given, context),
        network_(context.network),
        target_(context.shared_state, {given.target_period, given.target_rate}) {}

  void begin_round(const Random& random) final {
    ReplayLearner::begin_round(random);
    target_.begin_round(network_.weights());
  }

 protected:
  void after_step(std::uint64_t steps) override { target_.follow(network_.weights(), steps); }

  LocalNetwork& network() { return network_; }
  std::span<const float> target_weights() const { return target_.weights(); }

 private:
  LocalNetwork& network_;
  TargetWeights target_;
};

/// Throws ArgumentError with the algorithm's name when the network remembers earlier steps.
void check_no_memory(const LocalNetwork& network, const char* algorithm);

/// An algorithm of this name whose LearnerType is a TargetLearner that is made of hyperparameters and a
/// LearnerContext.
template <typename LearnerType>
class ReplayAlgorithm : public Algorithm {
 public:
  ReplayAlgorithm(const char* name, const Hyperparameters& hyperparameters)
      : name_(name), hyperparameters_(hyperparameters) {}

  bool learns_from_replay() const final { return true; }
  bool takes_memory() const override { return false; }
  void check_network(const LocalNetwork& network) const final {
    if (!takes_memory()) check_no_memory(network, name_);
  }
  std::size_t shared_state_size(std::size_t parameters) const final {
    return TargetWeights::shared_size(parameters);
  }
  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const final {
    return std::make_unique<LearnerType>(hyperparameters_, context);
  }

 protected:
  const char* name() const { return name_; }
  const Hyperparameters& hyperparameters() const { return hyperparameters_; }

 private:
  const char* name_;
  Hyperparameters hyperparameters_;
};

}  // namespace genkidama
