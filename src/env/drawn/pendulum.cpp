#include <array>
#include <cmath>
#include <vector>

#include "env/drawn/classic_control.h"
#include "env/drawn/shapes.h"

namespace genkidama::drawn {
namespace {

constexpr Colour kWall{243, 240, 233};
constexpr Colour kRing{226, 219, 205};
constexpr Colour kRod{178, 74, 70};
constexpr Colour kBob{206, 104, 94};
constexpr Colour kAxle{60, 52, 54};
constexpr Colour kTorque{74, 124, 168};

constexpr double kTorqueRadius = 0.42;
constexpr double kMostTurn = 2.4;  // radians of the arc at the greatest torque
constexpr int kArcSteps = 16;

/// An arc around the axle with a head, in the direction in which the motor pushes.
void draw_torque(Canvas& canvas, double torque) {
  if (torque == 0) return;
  const auto on_ring = [](double angle, double radius) {
    return at(-radius * std::sin(angle), radius * std::cos(angle));
  };
  const double end = kMostTurn * torque;
  std::vector<Point> arc;
  for (int i = 0; i <= kArcSteps; ++i) arc.push_back(on_ring(end * i / kArcSteps, kTorqueRadius));
  canvas.line(arc, 0.05F, kTorque);
  canvas.polygon(std::array{on_ring(end, kTorqueRadius + 0.1), on_ring(end, kTorqueRadius - 0.1),
                            on_ring(end + std::copysign(0.35, torque), kTorqueRadius)},
                 kTorque);
}

}  // namespace

void draw(Canvas& canvas, const Pendulum& task) {
  const double half_height = 1.3 * task.length;
  canvas.view({static_cast<float>(-1.5 * half_height), static_cast<float>(-half_height),
               static_cast<float>(1.5 * half_height), static_cast<float>(half_height),
               static_cast<float>(task.step_seconds)},
              kWall);
  canvas.circle({}, static_cast<float>(1.15 * task.length), kRing);
  canvas.circle({}, static_cast<float>(1.1 * task.length), kWall);
  const Point tip = at(-task.length * std::sin(task.angle), task.length * std::cos(task.angle));
  segment(canvas, {}, tip, 0.16, kRod);
  canvas.circle(tip, 0.13F, kBob);
  draw_torque(canvas, task.torque);
  canvas.circle({}, 0.07F, kAxle);
}

}  // namespace genkidama::drawn
