#include <cmath>
#include <vector>

#include "env/drawn/classic_control.h"
#include "env/drawn/shapes.h"

namespace genkidama::drawn {
namespace {

constexpr Colour kSky{205, 229, 245};
constexpr Colour kFarHill{176, 206, 214};
constexpr Colour kGrass{112, 164, 96};
constexpr Colour kEarth{146, 118, 88};
constexpr Colour kPaint{204, 72, 64};
constexpr Colour kWindow{222, 238, 246};
constexpr Colour kTyre{38, 38, 44};
constexpr Colour kFlagPole{90, 84, 80};
constexpr Colour kCloth{244, 196, 72};

constexpr double kMargin = 0.06;
constexpr int kPieces = 60;

double ground(double x) {
  return 0.36 * std::sin(3 * x) + 0.45;
}

/// The ground between two places, lowered, with the bottom of the picture as its other side.
void draw_ground(Canvas& canvas, double left, double right, double lowered, Colour fill) {
  std::vector<Point> outline{at(right, 0), at(left, 0)};
  for (int i = 0; i <= kPieces; ++i) {
    const double x = left + (right - left) * i / kPieces;
    outline.push_back(at(x, ground(x) - lowered));
  }
  canvas.polygon(outline, fill);
}

void draw_car(Canvas& canvas, double position) {
  const double slope = 3 * 0.36 * std::cos(3 * position);
  const double size = 0.11 / std::hypot(1.0, slope);
  const double along_x = size, along_y = size * slope;
  // From the place between the wheels, in parts of the car's half length: along the ground and away from it.
  const auto place = [&](double along, double up) {
    return at(position + along * along_x - up * along_y, ground(position) + along * along_y + up * along_x);
  };
  canvas.polygon(std::array{place(-0.9, 0.3), place(0.9, 0.3), place(0.9, 0.65), place(0.5, 0.7),
                            place(0.25, 1.1), place(-0.5, 1.1), place(-0.9, 0.7)},
                 kPaint);
  canvas.polygon(std::array{place(-0.45, 0.72), place(0.4, 0.72), place(0.2, 1.0), place(-0.4, 1.0)},
                 kWindow);
  for (const double wheel : {-0.5, 0.5}) canvas.circle(place(wheel, 0.25), 0.026F, kTyre);
}

}  // namespace

void draw(Canvas& canvas, const MountainCar& task) {
  constexpr float kStep_s = 1.0F / 30;
  const double left = task.left_wall - kMargin, right = task.right_wall + kMargin;
  canvas.view({static_cast<float>(left), 0, static_cast<float>(right),
               static_cast<float>((right - left) * 2 / 3), kStep_s},
              kSky);
  canvas.circle(at(left + 0.3 * (right - left), 0.25), 0.55F, kFarHill);
  canvas.circle(at(left + 0.75 * (right - left), 0.1), 0.6F, kFarHill);
  draw_ground(canvas, left, right, 0, kGrass);
  draw_ground(canvas, left, right, 0.03, kEarth);
  flag(canvas, at(task.goal, ground(task.goal)), 0.2, kFlagPole, kCloth);
  draw_car(canvas, task.position);
}

}  // namespace genkidama::drawn
