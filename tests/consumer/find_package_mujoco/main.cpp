// A pendulum in MuJoCo: plays a step, and catches what the library throws.
#include <iostream>

#include "genkidama/core/error.h"
#include "genkidama/mujoco/mujoco_environment.h"

int main() {
  genkidama::MujocoOptions options;
  options.xml = R"(<mujoco>
    <worldbody><body><joint name="axle" axis="0 1 0"/><geom size="0.1" pos="0 0 -0.5"/></body></worldbody>
    <actuator><motor joint="axle" ctrlrange="-1 1" ctrllimited="true"/></actuator>
  </mujoco>)";
  options.reward = [](const genkidama::MujocoState& state) { return -state.joint_position("axle"); };
  genkidama::MujocoEnvironment environment(options);
  environment.reset(1);
  const float torque = 1;
  const bool has_moved = environment.step(genkidama::Action(&torque, 1)).reward != 0;

  options.xml = "<mujoco>";
  try {
    genkidama::MujocoEnvironment broken(options);
    std::cout << "a model that is cut off was accepted\n";
    return 1;
  } catch (const genkidama::ArgumentError&) {
    return has_moved ? 0 : 1;
  }
}
