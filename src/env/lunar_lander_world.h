#pragma once

#include <array>
#include <span>

#include <box2d/box2d.h>

#include "env/block_revolute_joint.h"
#include "env/ground_contacts.h"
#include "genkidama/core/random.h"
#include "genkidama/env/lunar_lander.h"

namespace genkidama {

// gym's constants; lengths in its pixels unless they say otherwise.
inline constexpr double kLanderFps = 50;
inline constexpr double kLanderScale = 30;  // pixels a metre
inline constexpr double kLanderWidth_m = 600 / kLanderScale;
inline constexpr double kLanderHeight_m = 400 / kLanderScale;
inline constexpr double kLanderLegDown_m = 18 / kLanderScale;
inline constexpr double kLanderHelipadHeight_m = kLanderHeight_m / 4;

/// The physics of one episode: moon, lander, two legs. Made anew for every episode, so that nothing an
/// earlier one left in Box2D's caches or tree can reach the next.
class LunarLanderWorld {
 public:
  /// Draws the terrain and the initial push from `random`.
  explicit LunarLanderWorld(Random& random);

  LunarLanderWorld(const LunarLanderWorld&) = delete;
  LunarLanderWorld& operator=(const LunarLanderWorld&) = delete;

  /// Pushes the lander by its main engine. `power` lies in 0 .. 1; `dispersion` is as gym draws it, in
  /// metres.
  void fire_main_engine(const std::array<double, 2>& dispersion, double power);
  /// Pushes the lander by its left engine when `power` is below 0 and by its right engine otherwise. 1 is
  /// full power.
  void fire_side_engine(const std::array<double, 2>& dispersion, double power);
  /// Advances by 1/50 s.
  void advance(const LunarLanderIterations& iterations);

  const b2Body& lander() const { return *lander_; }
  const b2Body& leg(int index) const { return *legs_[static_cast<std::size_t>(index)]; }
  /// Where the edges of the ground meet, from the left to the right.
  std::span<const b2Vec2> terrain() const { return terrain_; }
  bool leg_on_ground(int leg) const { return contacts_.leg_touches(leg); }
  bool lander_touched_ground() const { return contacts_.body_has_touched(); }

 private:
  void make_moon(Random& random);
  void make_lander(Random& random);
  void make_leg(int index);
  void push_lander(double offset_x, double offset_y, double at_x, double at_y, double power);

  std::array<BlockJointStep, 2> joint_steps_{};
  b2World world_{b2Vec2(0, -10)};
  GroundContacts contacts_;
  b2Body* lander_ = nullptr;
  std::array<b2Body*, 2> legs_{};
  std::array<b2Vec2, 11> terrain_;
  int opening_steps_ = 3;  // steps that get the contact iterations although nothing touches
};

}  // namespace genkidama
