#pragma once

/// @file
/// The interface every environment implements; terms as in Gymnasium.

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What an environment is, fixed for its lifetime.
struct EnvironmentSpec {
  std::string name;          ///< for messages and run directories, e.g. "LunarLander-v2"
  int observation_size = 0;  ///< floats in an observation, > 0
  int action_count = 0;      ///< actions are 0 .. action_count-1, > 0
  int time_limit = 0;        ///< steps after which an episode is truncated, > 0
  /// Mean return at which the task counts as solved; NaN when there is no such figure.
  double reward_threshold = std::numeric_limits<double>::quiet_NaN();
};

/// observation_size floats that belong to the environment and stay valid until its next reset() or step().
using Observation = std::span<const float>;

/// What one step gives.
struct StepResult {
  Observation observation;  ///< the state after the step, also when the episode ended
  float reward = 0;         ///< the environment's own, not scaled; finite
  bool terminated = false;  ///< the task itself ended: no value lies beyond this state
  bool truncated = false;   ///< cut off by the time limit: the value of `observation` still counts
};

/// A task with a vector observation and discrete actions.
///
/// One instance is used by one thread of one process. Two instances never share mutable state. The same seed
/// and the same actions give the same trajectory, bit for bit. tests/support/environment_conformance.h checks
/// any implementation against this contract.
class Environment {
 public:
  virtual ~Environment() = default;

  /// What this environment is; the same for all of its lifetime.
  virtual const EnvironmentSpec& spec() const = 0;

  /// Starts a new episode; everything random in it follows from `seed`. May be called at any time.
  virtual Observation reset(std::uint64_t seed) = 0;

  /// Plays one step. Call only while an episode runs: after reset() and before an end was reported.
  /// `action` outside 0 .. action_count-1 throws ArgumentError.
  virtual StepResult step(int action) = 0;
};

/// Makes one environment; called once in every worker, after the fork.
using EnvironmentFactory = std::function<std::unique_ptr<Environment>()>;

}  // namespace genkidama
