#include "env/drawn/bipedal_walker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "env/drawn/body.h"
#include "env/drawn/shapes.h"

namespace genkidama::drawn {
namespace {

constexpr Colour kSky{212, 232, 246};
constexpr Colour kSun{255, 228, 150};
constexpr Colour kHill{184, 212, 206};
constexpr Colour kGround{124, 172, 104};
constexpr Colour kSurface{82, 134, 74};
constexpr Colour kStone{132, 126, 130};
constexpr Colour kPost{110, 92, 78};
constexpr Colour kCloth{232, 92, 82};
constexpr Colour kHull{104, 84, 160};
constexpr Colour kStripe{142, 122, 196};
constexpr Colour kEye{244, 240, 252};
constexpr Colour kFarLeg{84, 68, 128};
constexpr Colour kNearLeg{156, 128, 204};
constexpr Colour kJoint{52, 42, 84};

constexpr double kWidth_m = 18;
constexpr double kHeight_m = kWidth_m * 2 / 3;
constexpr double kBehind_m = 6;  // what is seen behind the hull
constexpr int kPostDistance_m = 10;

/// Hills that move slower than the ground, as far ones do.
void draw_hills(Canvas& canvas, double left) {
  constexpr int kPieces = 40;
  std::vector<Point> outline{at(left + kWidth_m, 0), at(left, 0)};
  for (int i = 0; i <= kPieces; ++i) {
    const double x = left + kWidth_m * i / kPieces, far = x - 0.7 * left;
    outline.push_back(at(x, 5 + 0.8 * std::sin(0.45 * far) + 0.4 * std::sin(1.1 * far)));
  }
  canvas.polygon(outline, kHill);
}

/// The ground's surface in the picture, which goes on at both ends of the terrain.
std::vector<Point> surface(const WalkerTerrain& terrain, double left) {
  std::vector<Point> points;
  const int first = static_cast<int>(std::floor(left / kTerrainStep_m));
  const int last = static_cast<int>(std::ceil((left + kWidth_m) / kTerrainStep_m));
  for (int i = first; i <= last; ++i)
    points.push_back(at(i * kTerrainStep_m,
                        terrain.height[static_cast<std::size_t>(std::clamp(i, 0, kTerrainLength - 1))]));
  return points;
}

double height_at(const WalkerTerrain& terrain, double x) {
  const int index = std::clamp(static_cast<int>(std::lround(x / kTerrainStep_m)), 0, kTerrainLength - 1);
  return terrain.height[static_cast<std::size_t>(index)];
}

void draw_posts(Canvas& canvas, const WalkerTerrain& terrain, double left, double end_m) {
  const int first = std::max(1, static_cast<int>(std::ceil((left - 1) / kPostDistance_m)));
  for (int i = first; i * kPostDistance_m < std::min(left + kWidth_m, end_m); ++i) {
    const double x = i * kPostDistance_m, ground = height_at(terrain, x);
    segment(canvas, at(x, ground), at(x, ground + 0.9), 0.1, kPost);
    canvas.text(at(x - 0.5, ground + 1.05), 0.4F, fmt::format("{} m", i * kPostDistance_m), kPost);
  }
  flag(canvas, at(end_m, height_at(terrain, end_m)), 2, kPost, kCloth);
}

void draw_ground(Canvas& canvas, const WalkerTerrain& terrain, double left) {
  std::vector<Point> outline = surface(terrain, left);
  const std::vector<Point> line = outline;
  outline.push_back({outline.back().x, 0});
  outline.push_back({outline.front().x, 0});
  canvas.polygon(outline, kGround);
  canvas.line(line, 0.12F, kSurface);
  for (const auto& [box_left, box_right, bottom, top] : terrain.boxes) {
    if (box_right < left || box_left > left + kWidth_m) continue;
    box(canvas, box_left, bottom, box_right, top, kStone);
  }
}

void draw_leg(Canvas& canvas, const BipedalWalkerWorld& world, int index, Colour colour) {
  const b2Body& thigh = world.leg_part(2 * index);
  const b2Body& shin = world.leg_part(2 * index + 1);
  draw_body(canvas, shin, colour);
  draw_body(canvas, thigh, colour);
  const b2Vec2 knee = world.joint(2 * index + 1).GetAnchorA();
  canvas.circle({knee.x, knee.y}, 0.11F, kJoint);
}

void draw_hull(Canvas& canvas, const b2Body& hull) {
  draw_body(canvas, hull, kHull);
  const auto place = [&](double x, double y) { return on_body(hull, x / kWalkerScale, y / kWalkerScale); };
  canvas.polygon(std::array{place(-30, 9), place(6, 9), place(15, 6.5), place(-30, 4)}, kStripe);
  canvas.circle(place(23, -1), 0.13F, kEye);
  canvas.circle(place(24, -1), 0.06F, kJoint);
  canvas.circle(place(0, -8), 0.13F, kJoint);
}

}  // namespace

void draw(Canvas& canvas, const BipedalWalkerWorld& world, double end_m) {
  const double left = static_cast<double>(world.hull().GetPosition().x) - kBehind_m;
  canvas.view({static_cast<float>(left), 0, static_cast<float>(left + kWidth_m),
               static_cast<float>(kHeight_m), static_cast<float>(1 / kWalkerFps)},
              kSky);
  canvas.circle(at(left + 14.5, 10), 1.1F, kSun);
  draw_hills(canvas, left);
  draw_posts(canvas, world.terrain(), left, end_m);
  draw_ground(canvas, world.terrain(), left);
  draw_leg(canvas, world, 0, kFarLeg);
  draw_hull(canvas, world.hull());
  draw_leg(canvas, world, 1, kNearLeg);
}

}  // namespace genkidama::drawn
