#pragma once

/// @file
/// The interface that every environment implements. The terms are those of Gymnasium.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/action_space.h"
#include "genkidama/env/option_values.h"

namespace GENKIDAMA_EXPORT genkidama {

class Canvas;  // genkidama/env/canvas.h

/// The most metrics that an environment can have.
inline constexpr std::size_t kMaxMetrics = 16;

/// What an environment is. It stays the same for the environment's lifetime.
///
/// An environment whose observation is a plain vector and whose action is one choice sets observation_size
/// and action_count, and nothing else about its spaces. Any other environment sets observation_shape,
/// action_space or both instead. completed() fills in the fields that follow from those that were set.
struct EnvironmentSpec {
  std::string name;          ///< for messages and run directories, e.g. "LunarLander-v2"
  int observation_size = 0;  ///< floats in an observation, > 0
  int action_count = 0;      ///< alternatives of an action that is one choice, > 0; 0: see action_space
  int time_limit = 0;        ///< steps after which an episode is truncated, > 0
  /// Mean return at which the task counts as solved; NaN when there is no such figure.
  double reward_threshold = std::numeric_limits<double>::quiet_NaN();
  /// Dimensions of an observation, in row-major order; an image is {channels, height, width}. Empty: a vector
  /// of observation_size.
  std::vector<int> observation_shape{};
  ActionSpace action_space{};  ///< empty: one choice among action_count
  /// Whether some alternatives of a choice are at times not allowed: Environment::action_mask() then gives a
  /// mask for every observation.
  bool masks_actions = false;
  /// Names of figures that each episode comes to beside its return, such as "success" or "distance"; see
  /// StepResult::metrics. Letters, digits and "_", at most 64 of them; at most kMaxMetrics names, none twice.
  std::vector<std::string> metrics{};
  /// Whether an episode may be played again: reset() with its seed and step() with its actions, without an
  /// agent in between, come to where it was. It is true of a simulation, and false where steps move something
  /// real. Episodes that a round left unfinished go on after a resume or an evaluation only if it is true;
  /// otherwise new ones begin (RoundEnd::kStep in genkidama/rl/hyperparameters.h).
  bool repeatable = false;
};

/// The spec with every field filled in: shape and size of the observation, action space and action count
/// (which stays 0 unless an action is one choice). Throws ArgumentError that names the environment when a
/// size is out of range or two fields contradict each other.
EnvironmentSpec completed(EnvironmentSpec spec);

/// The observation_size floats of one observation. They belong to the environment and stay valid until its
/// next reset() or step().
using Observation = std::span<const float>;

/// The result of one step.
struct StepResult {
  Observation observation;  ///< the observation after the step, also when the episode ended
  float reward = 0;         ///< the environment's own reward, not scaled; finite
  bool terminated = false;  ///< the task itself ended: no value lies beyond this observation
  bool truncated = false;   ///< the time limit cut the episode off: the value of `observation` still counts
  /// The episode's figures so far, one for each of EnvironmentSpec::metrics and in that order. Those of the
  /// step that ends the episode, or that reaches the time limit, are kept and must be finite; at other steps
  /// the span may be empty. The floats belong to the environment, as those of `observation` do.
  std::span<const float> metrics{};
  /// The environment failed, as a device or another process may, and the step was not played. `truncated` is
  /// true then, and `observation` is the one before the step. Training learns from the steps before this one,
  /// and the episode counts in no statistics; an evaluation plays the episode again.
  bool lost = false;
};

/// A task. Derive from DiscreteEnvironment when an action is one choice, and from this class otherwise.
///
/// One instance is used by one thread of one process. Two instances never share mutable state. The same seed
/// and the same actions give the same trajectory, bit for bit. check_environment()
/// (genkidama/env/check_environment.h) plays any implementation and reports where it breaks this contract.
class Environment {
 public:
  virtual ~Environment() = default;

  /// What this environment is.
  virtual const EnvironmentSpec& spec() const = 0;

  /// Starts a new episode; everything random in it follows from `seed`. May be called at any time.
  virtual Observation reset(std::uint64_t seed) = 0;

  /// Plays one step. It may be called only while an episode runs: after reset() and before an end was
  /// reported. An action outside the action space throws ArgumentError.
  virtual StepResult step(Action action) = 0;

  /// Tells the action that the next step() will be given, while other environments of the same worker have
  /// not played their steps yet. Environments that one process serves play all steps that were told in one
  /// turn (process_environments() in genkidama/env/process_environment.h). Whoever calls it calls step() with
  /// the same action next, or reset(). A wrapper may pass it on when it passes the action on as it is. The
  /// default does nothing.
  virtual void prepare_step(Action action) { static_cast<void>(action); }

  /// Tells the seed that the next reset() will be given, so that an environment on another machine can begin
  /// the episode meanwhile. Whoever calls it calls reset() with the same seed next. The default does nothing.
  virtual void prepare_reset(std::uint64_t seed) { static_cast<void>(seed); }

  /// Whether the reset() that was prepared would return at once. A worker with several environments steps
  /// the others as long as this is false. The default is always ready.
  virtual bool is_ready() const { return true; }

  /// Which alternatives of the choices are allowed after the latest observation, for an environment whose
  /// spec has masks_actions. The mask belongs to the environment and stays valid until its next reset() or
  /// step(). It allows at least one alternative of each choice, except where the task has terminated. Agents
  /// choose nothing that it forbids. The default, an empty mask, allows everything.
  virtual ActionMask action_mask() const { return {}; }

  /// Draws the present state: after reset() or step(), until the next of them. An environment that can be
  /// drawn begins with Canvas::view() and then draws shapes, later ones over earlier ones
  /// (genkidama/env/canvas.h). It changes nothing of its state by that, and draws nothing random. The default
  /// draws nothing, not even a view: such an environment cannot be watched.
  virtual void draw(Canvas& canvas) const { static_cast<void>(canvas); }

  /// Plays one step of an environment whose action is one choice.
  StepResult step(int choice) {
    const float action = static_cast<float>(choice);
    return step(Action(&action, 1));
  }
};

/// A task whose action is one choice among EnvironmentSpec::action_count.
class DiscreteEnvironment : public Environment {
 public:
  /// Plays one step, as Environment::step(). A choice outside 0 .. action_count - 1 throws ArgumentError.
  virtual StepResult step(int choice) = 0;

// A derived class that implements step(int) hides this overload on purpose: callers hold an Environment.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
  /// Throws ArgumentError for an action that is not one whole number.
  StepResult step(Action action) final {
    return step(choice_of(action));
  }
#pragma GCC diagnostic pop

 private:
  int choice_of(Action action) const;
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
  /// The values of the options in cli::Program::options; none in a program without the command line.
  OptionValues options{};
  /// An environment that waits for something outside of this process calls it at least once a second, so
  /// that its worker does not count as hung. Once it returns false the environment stops waiting: step() then
  /// returns a lost step and reset() any observation, from which nothing is learnt. Empty: nobody looks.
  std::function<bool()> keep_waiting{};
};

/// Makes one environment. The library calls it in every worker, after the fork, once for each environment of
/// the worker. It also calls it once to read the spec, in a short-lived process, or in the lead when workers
/// are threads.
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
