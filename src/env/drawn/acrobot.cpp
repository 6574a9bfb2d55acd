#include <cmath>

#include "env/drawn/classic_control.h"
#include "env/drawn/shapes.h"

namespace genkidama::drawn {
namespace {

constexpr Colour kRoom{32, 36, 48};
constexpr Colour kAbove{44, 56, 62};
constexpr Colour kGoal{118, 200, 150};
constexpr Colour kUpper{98, 150, 214};
constexpr Colour kLower{236, 170, 92};
constexpr Colour kJoint{238, 240, 245};

}  // namespace

void draw(Canvas& canvas, const Acrobot& task) {
  const double reach = 2 * task.link_length, half_height = 1.15 * reach;
  const double half_width = 1.5 * half_height;
  canvas.view(
      {static_cast<float>(-half_width), static_cast<float>(-half_height), static_cast<float>(half_width),
       static_cast<float>(half_height), static_cast<float>(task.step_seconds)},
      kRoom);
  box(canvas, -half_width, task.goal_height, half_width, half_height, kAbove);
  segment(canvas, at(-half_width, task.goal_height), at(half_width, task.goal_height), 0.03, kGoal);
  const double both = task.angle1 + task.angle2;
  const Point elbow = at(task.link_length * std::sin(task.angle1), -task.link_length * std::cos(task.angle1));
  const Point tip =
      at(elbow.x + task.link_length * std::sin(both), elbow.y - task.link_length * std::cos(both));
  segment(canvas, {}, elbow, 0.18, kUpper);
  segment(canvas, elbow, tip, 0.14, kLower);
  canvas.circle({}, 0.1F, kJoint);
  canvas.circle(elbow, 0.08F, kJoint);
}

}  // namespace genkidama::drawn
