#pragma once

// What the classic control tasks look like. Angles and positions are those of env/classic_control.h.

#include "genkidama/env/canvas.h"

namespace genkidama::drawn {

/// `push`: the direction of the latest force; 0 before the first step.
struct CartPole {
  double position = 0;
  double angle = 0;
  double pole_length = 1;
  double position_limit = 0;
  double step_seconds = 0;
  int push = 0;
};
void draw(Canvas& canvas, const CartPole& task);

/// `torque`: of the latest step, as a share of the greatest one.
struct Pendulum {
  double angle = 0;
  double length = 1;
  double torque = 0;
  double step_seconds = 0;
};
void draw(Canvas& canvas, const Pendulum& task);

struct Acrobot {
  double angle1 = 0;
  double angle2 = 0;
  double link_length = 1;
  double goal_height = 0;  ///< above the axle
  double step_seconds = 0;
};
void draw(Canvas& canvas, const Acrobot& task);

struct MountainCar {
  double position = 0;
  double left_wall = 0;
  double right_wall = 0;
  double goal = 0;
};
void draw(Canvas& canvas, const MountainCar& task);

}  // namespace genkidama::drawn
