#pragma once

// Models for the tests, each small enough that its motion is known.

#include <cmath>
#include <string>
#include <utility>

#include "genkidama/mujoco/mujoco_environment.h"

namespace genkidama::test {

/// A mass of 2 kg on a rail along x, pushed by 3 N for a control of 1. Nothing else acts on it.
inline const std::string kCart = R"(<mujoco model="cart">
  <option timestep="0.01" gravity="0 0 0"/>
  <worldbody>
    <body name="cart">
      <joint name="rail" type="slide" axis="1 0 0"/>
      <geom type="box" size="0.1 0.1 0.1" mass="2"/>
    </body>
  </worldbody>
  <actuator><motor joint="rail" gear="3" ctrlrange="-1 2" ctrllimited="true"/></actuator>
</mujoco>)";

/// Two links of length 0.5 that turn about z, a goal, sensors and a keyframe.
inline const std::string kArm = R"(<mujoco model="arm">
  <option timestep="0.01" gravity="0 0 0"/>
  <default><geom contype="0" conaffinity="0"/></default>
  <worldbody>
    <body name="upper">
      <joint name="shoulder" axis="0 0 1" damping="0.1"/>
      <geom type="capsule" fromto="0 0 0 0.5 0 0" size="0.04"/>
      <body name="lower" pos="0.5 0 0">
        <joint name="elbow" axis="0 0 1" damping="0.1"/>
        <geom type="capsule" fromto="0 0 0 0.5 0 0" size="0.04"/>
        <site name="hand" pos="0.5 0 0"/>
      </body>
    </body>
    <body name="goal" mocap="true" pos="0.5 0.5 0"><geom type="sphere" size="0.05"/></body>
  </worldbody>
  <actuator>
    <motor joint="shoulder" ctrlrange="-1 1" ctrllimited="true"/>
    <motor joint="elbow" ctrlrange="-1 1" ctrllimited="true"/>
  </actuator>
  <sensor><jointpos name="elbow_angle" joint="elbow"/></sensor>
  <keyframe><key name="folded" qpos="0.5 2"/></keyframe>
</mujoco>)";

/// A ball that falls freely, with a motor that turns it and has no range.
inline const std::string kBall = R"(<mujoco model="ball">
  <option timestep="0.01" gravity="0 0 -10"/>
  <worldbody>
    <body name="ball"><freejoint name="free"/><geom size="0.1"/></body>
  </worldbody>
  <actuator><motor joint="free" gear="0 0 0 0 0 1"/></actuator>
</mujoco>)";

/// A spring that is much too stiff for the timestep.
inline const std::string kUnstable = R"(<mujoco model="spring">
  <option timestep="0.1" gravity="0 0 0"/>
  <worldbody>
    <body><joint name="slide" type="slide" axis="1 0 0" stiffness="1e9"/><geom size="0.1" mass="1"/></body>
  </worldbody>
  <actuator><motor joint="slide" ctrlrange="-1 1" ctrllimited="true"/></actuator>
</mujoco>)";

inline double no_reward(const MujocoState&) {
  return 0;
}

inline MujocoOptions options_for(const std::string& xml) {
  MujocoOptions options;
  options.xml = xml;
  options.reward = no_reward;
  return options;
}

/// The arm's task: the hand is to be at a goal that is somewhere else in each episode.
inline MujocoOptions reaching() {
  MujocoOptions options = options_for(kArm);
  options.frame_skip = 5;
  options.time_limit = 40;
  options.qpos_noise = 0.5;
  options.start = [](const MujocoStart& start) {
    const double angle = start.random.uniform(-3, 3);
    start.mocap_position[0] = 0.7 * std::cos(angle);
    start.mocap_position[1] = 0.7 * std::sin(angle);
  };
  const auto distance = [](const MujocoState& state) {
    const auto hand = state.site_position("hand"), goal = state.body_position("goal");
    return std::hypot(hand[0] - goal[0], hand[1] - goal[1]);
  };
  options.reward = [distance](const MujocoState& state) { return -distance(state); };
  options.metrics = {"distance"};
  options.measure = [distance](const MujocoState& state, std::span<float> metrics) {
    metrics[0] = static_cast<float>(distance(state));
  };
  return options;
}

/// Plays one step with the same number for every actuator.
inline StepResult push(MujocoEnvironment& environment, float control) {
  const std::vector<float> action(environment.spec().action_space.width(), control);
  return environment.step(action);
}

}  // namespace genkidama::test
