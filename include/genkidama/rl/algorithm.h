#pragma once

/// @file
/// What is learnt, apart from where gradients go: the place where an algorithm of your own is plugged in.

#include <cstddef>
#include <functional>
#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/nn/network_spec.h"
#include "genkidama/rl/behaviour.h"
#include "genkidama/rl/hyperparameters.h"
#include "genkidama/rl/learner.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Says which outputs a network needs, how they become actions, and how to learn from a segment. It holds
/// constants only: what is learnt lies in the weights and in the shared state. Every worker has an object of
/// its own.
class Algorithm {
 public:
  virtual ~Algorithm() = default;

  /// The sizes of the network for this environment. Throws ArgumentError, with what was given and what is
  /// expected, when the algorithm cannot serve the environment's spaces.
  virtual NetworkSpec network(const EnvironmentSpec& environment) const = 0;

  /// Floats that all workers of a machine share beside a network's weights, `parameters` of them; for a
  /// target network, say. They start as 0, are part of TrainerState, and are written by all workers at once:
  /// access them through relaxed_read() and relaxed_write() only.
  virtual std::size_t shared_state_size(std::size_t parameters) const {
    static_cast<void>(parameters);
    return 0;
  }

  /// Makes what chooses actions. Never null.
  virtual std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& environment) const = 0;

  /// Makes what learns. Never null.
  virtual std::unique_ptr<Learner> make_learner(const LearnerContext& context) const = 0;
};

/// Makes the algorithm in every worker, and in the lead.
using AlgorithmFactory = std::function<std::unique_ptr<Algorithm>(const Hyperparameters&)>;

/// The network of a policy gradient with a value: one logit for each alternative, and one value. Throws
/// ArgumentError for an environment whose action is not one choice.
NetworkSpec actor_critic_network(const EnvironmentSpec& environment);

}  // namespace genkidama
