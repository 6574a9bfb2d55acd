#pragma once

/// @file
/// Plays models of the physics engine MuJoCo. This header belongs to the component `mujoco`, which is built
/// where MuJoCo is installed. It includes nothing of MuJoCo's.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"

// MuJoCo's own names of mjModel and mjData.
struct mjModel_;
struct mjData_;

namespace GENKIDAMA_EXPORT genkidama {

/// A model and its present state, for the functions of MujocoOptions. It refers to what the environment owns
/// and is valid as long as the environment. Lengths are in metres, angles in radians and times in seconds,
/// unless the model has other units.
///
/// A function that takes a name throws an ArgumentError that lists the names when the model has none such.
class MujocoState {
 public:
  /// The state of `data`, which belongs to `model`. Environments make it; a program does not need to.
  MujocoState(const mjModel_& model, const mjData_& data, std::span<const double> qpos_before,
              double step_seconds);

  /// The time since the beginning of the episode.
  double time() const;
  /// The time that one step() takes: MujocoOptions::frame_skip times the model's timestep.
  double step_seconds() const { return step_seconds_; }

  /// Positions of all joints in the order of the model: 1 number for a hinge or a slide, 4 for a ball joint,
  /// 7 for a free joint. MuJoCo calls their number nq.
  std::span<const double> qpos() const;
  /// `qpos` before the latest step(); after reset() the same as qpos().
  std::span<const double> qpos_before() const { return qpos_before_; }
  /// Velocities of all joints: 1, 3 or 6 numbers. MuJoCo calls their number nv.
  std::span<const double> qvel() const;
  /// What the actuators were told in the latest step(): the action. 0 after reset().
  std::span<const double> ctrl() const;

  /// Position of a hinge or a slide joint.
  double joint_position(const std::string& name) const;
  /// Velocity of a hinge or a slide joint.
  double joint_velocity(const std::string& name) const;
  /// Where the frame of a body is in the world: x, y, z.
  std::array<double, 3> body_position(const std::string& name) const;
  /// Where a site is in the world: x, y, z.
  std::array<double, 3> site_position(const std::string& name) const;
  /// The numbers of a sensor.
  std::span<const double> sensor(const std::string& name) const;

  /// MuJoCo's own structures, for everything else: `#include <mujoco/mujoco.h>` and link MuJoCo.
  const mjModel_& model() const { return *model_; }
  /// As model(). Do not change it: the environment owns it.
  const mjData_& data() const { return *data_; }

 private:
  const mjModel_* model_;
  const mjData_* data_;
  std::span<const double> qpos_before_;
  double step_seconds_;
};

/// What MujocoOptions::start may change at the beginning of an episode.
struct MujocoStart {
  std::span<double> qpos;            ///< positions of the joints, see MujocoState::qpos()
  std::span<double> qvel;            ///< velocities of the joints
  std::span<double> mocap_position;  ///< x, y, z of each body with mocap="true", in the order of the model
  Random& random;                    ///< follows from the seed of the episode
};

/// Which model is played, and what the task is. Everything that a model cannot say is a function here. Each
/// environment has a copy of the functions, and several workers may call their copies at the same time: they
/// must not share anything that changes.
struct MujocoOptions {
  /// Path of a model, in MuJoCo's format MJCF or in URDF. What the model includes is looked for beside it.
  /// Exactly one of `file` and `xml` is given.
  std::string file{};
  std::string xml{};       ///< the text of a model in place of a file
  std::string name{};      ///< for messages and the spec; empty: the name of the model
  std::string keyframe{};  ///< the keyframe with which episodes begin; empty: the model's initial state

  /// So many steps of MuJoCo with the same action make one step(), >= 1.
  int frame_skip = 1;
  /// Steps after which an episode is truncated, >= 1.
  int time_limit = 1000;
  /// At the beginning of an episode a number that is uniform within this far from 0 is added to each of
  /// `qpos`, >= 0. Quaternions are normalised afterwards. The default, 0, adds nothing.
  double qpos_noise = 0;
  /// The same for each of `qvel`.
  double qvel_noise = 0;
  /// Called after the noise was added: sets the beginning of an episode, such as a goal. Empty: nothing more
  /// is set.
  std::function<void(const MujocoStart&)> start{};

  /// The reward of a step, from the state after it. Required.
  std::function<double(const MujocoState&)> reward{};
  /// Whether the task has ended with this step. Empty: it never does, and only the time limit ends an
  /// episode.
  std::function<bool(const MujocoState&)> terminated{};

  /// Indices of `qpos` that an observation leaves out, such as 0 where the first joint is the distance from
  /// the start. An observation is the rest of `qpos`, then `qvel`, unless `observe` is given.
  std::vector<int> hidden_qpos{};
  /// Writes an observation of `observation_size` floats in place of the above. Both are given, or neither.
  std::function<void(const MujocoState&, std::span<float>)> observe{};
  int observation_size = 0;  ///< floats that `observe` writes

  /// EnvironmentSpec::metrics, and the function that computes them after each step. Both are given, or
  /// neither.
  std::vector<std::string> metrics{};
  std::function<void(const MujocoState&, std::span<float>)> measure{};  ///< writes one float for each name

  /// So many episodes in a row whose simulation became unstable are an error, >= 1.
  int max_unstable_episodes_in_a_row = 100;
};

/// A task that is played in MuJoCo.
///
/// An action has one continuous component for each actuator of the model, within the actuator's control
/// range. An actuator without a range has infinite bounds; its control is then learnt in its own unit, so a
/// range in the model (ctrlrange, ctrllimited) is the better choice.
///
/// After a step, positions of bodies and sites belong to the new `qpos`. Sensors do too: a model with sensors
/// costs one more evaluation of the dynamics a step. In a model without sensors, forces and contacts of
/// MujocoState::data() are those of the last step of MuJoCo.
///
/// **An unstable simulation.** When MuJoCo finds a number in the state that is not finite or beyond 1e10, it
/// has lost the state. The episode then ends as truncated with the last good observation, a reward of 0 and a
/// warning in the log, so it is worth nothing to an agent to bring it about.
///
/// **Threads and processes.** Each environment has a model and a state of its own, MuJoCo starts no threads,
/// and any process may make an environment before or after a fork. The first environment of a process sets
/// MuJoCo's handlers `mju_user_error` and `mju_user_warning`, unless the program has set its own: an error in
/// MuJoCo becomes an Error instead of the end of the process.
class MujocoEnvironment final : public Environment {
 public:
  /// Reads and compiles the model. Throws ArgumentError when an option is out of range, the file is missing,
  /// MuJoCo refuses the model (with MuJoCo's own message), or the model has no actuator.
  explicit MujocoEnvironment(MujocoOptions options);
  ~MujocoEnvironment() override;

  /// What the model and the options make of it.
  const EnvironmentSpec& spec() const override;
  /// Throws ArgumentError when MujocoOptions::start or MujocoOptions::observe writes a number that is not
  /// finite.
  Observation reset(std::uint64_t seed) override;
  /// Throws ArgumentError for an action out of range, outside an episode, or when a function of the options
  /// gives a number that is not finite; Error when MuJoCo reports an error, or after
  /// MujocoOptions::max_unstable_episodes_in_a_row.
  StepResult step(Action action) override;
  using Environment::step;

  /// The model and its present state, for programs that look at or draw them.
  MujocoState state() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
