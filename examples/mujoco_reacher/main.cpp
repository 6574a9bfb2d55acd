// A task in MuJoCo: an arm of two links has to bring its hand to a goal and hold it there. 'mujoco_reacher
// train' learns it with the preset control. The model is a text here; `options.file` names a file in its
// place.
#include <array>
#include <cmath>
#include <memory>
#include <span>

#include "genkidama/cli/program.h"
#include "genkidama/mujoco/mujoco_environment.h"

namespace {

using genkidama::MujocoState;

// The arm lies on a table and is seen from above. Each motor has 2 Nm for a control of 1.
constexpr const char* kModel = R"(<mujoco model="Reacher">
  <option timestep="0.01" integrator="RK4"/>
  <default>
    <geom type="capsule" size="0.04" density="300" contype="0" conaffinity="0"/>
    <joint axis="0 0 1" damping="0.2" armature="0.01"/>
    <motor gear="2" ctrllimited="true" ctrlrange="-1 1"/>
  </default>
  <worldbody>
    <body name="upper arm">
      <joint name="shoulder"/>
      <geom fromto="0 0 0 0.5 0 0"/>
      <body name="lower arm" pos="0.5 0 0">
        <joint name="elbow"/>
        <geom fromto="0 0 0 0.5 0 0"/>
        <site name="hand" pos="0.5 0 0"/>
      </body>
    </body>
    <body name="goal" mocap="true"><geom type="sphere" size="0.05"/></body>
  </worldbody>
  <actuator><motor joint="shoulder"/><motor joint="elbow"/></actuator>
</mujoco>)";

std::array<double, 2> way_to_goal(const MujocoState& state) {
  const auto hand = state.site_position("hand"), goal = state.body_position("goal");
  return {goal[0] - hand[0], goal[1] - hand[1]};
}

double distance(const MujocoState& state) {
  const auto way = way_to_goal(state);
  return std::hypot(way[0], way[1]);
}

std::unique_ptr<genkidama::Environment> make_reacher() {
  genkidama::MujocoOptions options;
  options.xml = kModel;
  options.frame_skip = 5;    // a step takes 0.05 s
  options.time_limit = 100;  // 5 s
  options.qpos_noise = 1;
  options.qvel_noise = 0.1;
  options.start = [](const genkidama::MujocoStart& start) {
    const double direction = start.random.uniform(-M_PI, M_PI), reach = start.random.uniform(0.3, 0.9);
    start.mocap_position[0] = reach * std::cos(direction);
    start.mocap_position[1] = reach * std::sin(direction);
  };
  options.observation_size = 8;
  options.observe = [](const MujocoState& state, std::span<float> observation) {
    const double shoulder = state.joint_position("shoulder"), elbow = state.joint_position("elbow");
    const auto way = way_to_goal(state);
    const std::array<double, 8> values{
        std::cos(shoulder),    std::sin(shoulder),    std::cos(elbow), std::sin(elbow),
        0.2 * state.qvel()[0], 0.2 * state.qvel()[1], way[0],          way[1]};
    for (std::size_t i = 0; i < values.size(); ++i) observation[i] = static_cast<float>(values[i]);
  };
  options.reward = [](const MujocoState& state) {
    const auto torques = state.ctrl();
    return -distance(state) - 0.01 * (torques[0] * torques[0] + torques[1] * torques[1]);
  };
  options.metrics = {"distance"};  // at the end of the episode, in metres
  options.measure = [](const MujocoState& state, std::span<float> metrics) {
    metrics[0] = static_cast<float>(distance(state));
  };
  return std::make_unique<genkidama::MujocoEnvironment>(options);
}

}  // namespace

int main(int argc, char** argv) {
  genkidama::cli::Program program;
  program.name = "mujoco_reacher";
  program.environment = make_reacher;
  program.default_preset = "control";
  return genkidama::cli::main(argc, argv, program);
}
