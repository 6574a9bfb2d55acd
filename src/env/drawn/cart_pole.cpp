#include <algorithm>
#include <cmath>

#include "env/drawn/classic_control.h"
#include "env/drawn/shapes.h"

namespace genkidama::drawn {
namespace {

constexpr Colour kWall{238, 242, 247};
constexpr Colour kFloor{205, 213, 224};
constexpr Colour kRail{120, 132, 150};
constexpr Colour kLimit{214, 92, 82};
constexpr Colour kCart{52, 73, 110};
constexpr Colour kWheel{28, 38, 58};
constexpr Colour kPole{222, 148, 72};
constexpr Colour kAxle{250, 214, 140};
constexpr Colour kPush{86, 160, 120};

constexpr double kRailHeight = 0.6;
constexpr double kAxleHeight = 1.0;
constexpr double kLeastHeight = 3.6;  // of what is seen

}  // namespace

void draw(Canvas& canvas, const CartPole& task) {
  const double height = std::max(kLeastHeight, kAxleHeight + 1.2 * task.pole_length + 0.4);
  const double half_width = 0.75 * height;  // pictures are 3 to 2
  const double x = task.position;
  canvas.view({static_cast<float>(-half_width), 0, static_cast<float>(half_width), static_cast<float>(height),
               static_cast<float>(task.step_seconds)},
              kWall);
  box(canvas, -half_width, 0, half_width, 0.9 * kRailHeight, kFloor);
  segment(canvas, at(-half_width, kRailHeight), at(half_width, kRailHeight), 0.04, kRail);
  for (const double end : {-task.position_limit, task.position_limit})
    box(canvas, end - 0.03, kRailHeight - 0.12, end + 0.03, kRailHeight + 0.12, kLimit);

  box(canvas, x - 0.36, kRailHeight + 0.12, x + 0.36, kAxleHeight + 0.06, kCart);
  for (const double wheel : {x - 0.22, x + 0.22}) canvas.circle(at(wheel, kRailHeight + 0.1), 0.1F, kWheel);
  arrow(canvas, at(x + 0.42 * task.push, kAxleHeight - 0.14), 0.4 * task.push, 0.06, kPush);
  const Point axle = at(x, kAxleHeight);
  segment(
      canvas, axle,
      at(x + task.pole_length * std::sin(task.angle), kAxleHeight + task.pole_length * std::cos(task.angle)),
      0.1, kPole);
  canvas.circle(axle, 0.07F, kAxle);
}

}  // namespace genkidama::drawn
