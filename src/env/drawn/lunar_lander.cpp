#include "env/drawn/lunar_lander.h"

#include <array>
#include <cmath>
#include <vector>

#include "env/drawn/body.h"
#include "env/drawn/shapes.h"

namespace genkidama::drawn {
namespace {

constexpr Colour kSky{14, 18, 38};
constexpr Colour kStar{214, 220, 240};
constexpr Colour kPlanet{64, 112, 168};
constexpr Colour kPlanetShade{40, 76, 124};
constexpr Colour kFarGround{70, 74, 98};
constexpr Colour kGround{112, 116, 140};
constexpr Colour kSurface{184, 188, 208};
constexpr Colour kPad{246, 206, 96};
constexpr Colour kFlagPole{226, 228, 236};
constexpr Colour kCloth{232, 92, 82};
constexpr Colour kLeg{168, 150, 206};
constexpr Colour kHull{226, 226, 240};
constexpr Colour kBand{128, 108, 184};
constexpr Colour kWindow{92, 190, 224};
constexpr Colour kFlame{255, 146, 56};
constexpr Colour kFlameCore{255, 236, 160};

// More than the 20 metres within which an episode goes on.
constexpr double kMargin_m = 0.9;
constexpr double kLeft = -kMargin_m;
constexpr double kRight = kLanderWidth_m + kMargin_m;
constexpr double kTop = (kRight - kLeft) * 2 / 3;

constexpr int kStars = 36;

void draw_sky(Canvas& canvas) {
  // Spread evenly without a pattern that the eye finds: multiples of two irrational numbers.
  for (int i = 0; i < kStars; ++i) {
    const double across = std::fmod(0.61803 * i, 1.0), up = std::fmod(0.41421 * i + 0.1, 1.0);
    canvas.circle(at(kLeft + across * (kRight - kLeft), 5 + up * (kTop - 5)), i % 3 == 0 ? 0.06F : 0.035F,
                  kStar);
  }
  canvas.circle(at(17.2, 12.1), 1.25F, kPlanetShade);
  canvas.circle(at(17.0, 12.25), 1.05F, kPlanet);
}

/// The ground with its heights multiplied, down to the bottom of the picture.
void draw_ground(Canvas& canvas, std::span<const b2Vec2> terrain, double share, Colour fill) {
  std::vector<Point> outline{at(kRight, 0), at(kLeft, 0), at(kLeft, share * terrain.front().y)};
  for (const b2Vec2& point : terrain) outline.push_back(at(point.x, share * point.y));
  outline.push_back(at(kRight, share * terrain.back().y));
  canvas.polygon(outline, fill);
}

void draw_pad(Canvas& canvas) {
  constexpr double kHalfWidth = 2;
  constexpr double kMiddle = kLanderWidth_m / 2;
  box(canvas, kMiddle - kHalfWidth, kLanderHelipadHeight_m - 0.18, kMiddle + kHalfWidth,
      kLanderHelipadHeight_m + 0.03, kPad);
  for (const double x : {kMiddle - kHalfWidth, kMiddle + kHalfWidth})
    flag(canvas, at(x, kLanderHelipadHeight_m), 1.3, kFlagPole, kCloth);
}

void draw_flame(Canvas& canvas, const b2Body& lander, Point root, Point tip, double half_width) {
  const double length = std::hypot(tip.x - root.x, tip.y - root.y);
  const double across_x = (tip.y - root.y) / length * half_width,
               across_y = (root.x - tip.x) / length * half_width;
  const auto triangle = [&](double width, double reach, Colour colour) {
    canvas.polygon(
        std::array{on_body(lander, root.x + width * across_x, root.y + width * across_y),
                   on_body(lander, root.x - width * across_x, root.y - width * across_y),
                   on_body(lander, root.x + reach * (tip.x - root.x), root.y + reach * (tip.y - root.y))},
        colour);
  };
  triangle(1, 1, kFlame);
  triangle(0.5, 0.55, kFlameCore);
}

void draw_flames(Canvas& canvas, const b2Body& lander, const Flames& flames) {
  const double flicker = flames.step % 2 == 0 ? 1 : 0.82;
  if (flames.main > 0) {
    const double bottom = -10 / kLanderScale;
    draw_flame(canvas, lander, at(0, bottom), at(0, bottom - 1.3 * flames.main * flicker), 0.3);
  }
  if (flames.side != 0) {
    const double out = flames.side < 0 ? 1 : -1, height = 5 / kLanderScale;
    const double root = out * 15 / kLanderScale;
    draw_flame(canvas, lander, at(root, height),
               at(root + out * 0.7 * std::abs(flames.side) * flicker, height), 0.14);
  }
}

void draw_lander(Canvas& canvas, const LunarLanderWorld& world) {
  for (int leg = 0; leg < 2; ++leg) draw_body(canvas, world.leg(leg), kLeg);
  const b2Body& lander = world.lander();
  draw_body(canvas, lander, kHull);
  canvas.polygon(std::array{on_body(lander, -17 / kLanderScale, -10 / kLanderScale),
                            on_body(lander, 17 / kLanderScale, -10 / kLanderScale),
                            on_body(lander, 17 / kLanderScale, -3 / kLanderScale),
                            on_body(lander, -17 / kLanderScale, -3 / kLanderScale)},
                 kBand);
  canvas.circle(on_body(lander, 0, 7 / kLanderScale), 0.19F, kBand);
  canvas.circle(on_body(lander, 0, 7 / kLanderScale), 0.14F, kWindow);
}

}  // namespace

void draw(Canvas& canvas, const LunarLanderWorld& world, const Flames& flames) {
  canvas.view({static_cast<float>(kLeft), 0, static_cast<float>(kRight), static_cast<float>(kTop),
               static_cast<float>(1 / kLanderFps)},
              kSky);
  draw_sky(canvas);
  draw_ground(canvas, world.terrain(), 1, kGround);
  draw_ground(canvas, world.terrain(), 0.55, kFarGround);
  std::vector<Point> surface{at(kLeft, world.terrain().front().y)};
  for (const b2Vec2& point : world.terrain()) surface.push_back({point.x, point.y});
  surface.push_back(at(kRight, world.terrain().back().y));
  canvas.line(surface, 0.08F, kSurface);
  draw_pad(canvas);
  draw_flames(canvas, world.lander(), flames);
  draw_lander(canvas, world);
}

}  // namespace genkidama::drawn
