#pragma once

/// @file
/// The interface every environment implements; terms as in Gymnasium.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

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
/// and the same actions give the same trajectory, bit for bit. check_environment()
/// (genkidama/env/check_environment.h) plays any implementation and reports where it breaks this contract.
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

/// What an environment is made for.
enum class EnvironmentPurpose {
  kDescribe,  ///< Its spec() is read and it is destroyed again. A device need not be opened for that.
  kTrain,     ///< A worker trains in it. The evaluations between two rounds are played in it too.
  kEvaluate   ///< Only evaluations are played in it.
};

/// What a factory is told about the environment that it makes.
struct EnvironmentContext {
  int worker =
      0;  ///< index of the worker on this machine, from 0; a replacement has the index of the dead worker
  int index = 0;  ///< index among the environments of that worker, from 0
  EnvironmentPurpose purpose = EnvironmentPurpose::kTrain;  ///< what the environment is made for
};

/// Makes one environment. The library calls it in every worker, after the fork, once for each environment of
/// the worker; and once in a short-lived process, or in the lead when workers are threads, to read the spec.
///
/// It holds any callable that returns a std::unique_ptr to an Environment, and that takes either an
/// EnvironmentContext or nothing.
class EnvironmentFactory {
 public:
  /// An empty factory; it must not be called.
  EnvironmentFactory() = default;
  /// An empty factory.
  EnvironmentFactory(std::nullptr_t) {}

  /// Holds `make`. An empty std::function or a null function pointer makes an empty factory.
  template <typename Make>
  requires(!std::is_same_v<Make, EnvironmentFactory> &&
           (std::is_invocable_r_v<std::unique_ptr<Environment>, Make&, const EnvironmentContext&> ||
            std::is_invocable_r_v<std::unique_ptr<Environment>, Make&>)) EnvironmentFactory(Make make) {
    if constexpr (std::is_pointer_v<Make> || requires { make.operator bool(); }) {
      if (!make) return;
    }
    if constexpr (std::is_invocable_r_v<std::unique_ptr<Environment>, Make&, const EnvironmentContext&>) {
      make_ = std::move(make);
    } else {
      make_ = [make = std::move(make)](const EnvironmentContext&) mutable -> std::unique_ptr<Environment> {
        return make();
      };
    }
  }

  /// Makes one environment. Throws what the callable throws.
  std::unique_ptr<Environment> operator()(const EnvironmentContext& context = {}) const {
    return make_(context);
  }

  /// Whether the factory is not empty.
  explicit operator bool() const { return static_cast<bool>(make_); }

 private:
  std::function<std::unique_ptr<Environment>(const EnvironmentContext&)> make_;
};

}  // namespace genkidama
