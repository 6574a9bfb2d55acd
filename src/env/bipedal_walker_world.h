#pragma once

#include <array>

#include <box2d/box2d.h>

#include "env/block_revolute_joint.h"
#include "env/ground_contacts.h"
#include "env/walker_terrain.h"
#include "genkidama/core/random.h"
#include "genkidama/env/action_space.h"

namespace genkidama {

// Gymnasium's constants.
inline constexpr double kWalkerFps = 50;
inline constexpr double kWalkerMotorTorque = 80;
inline constexpr double kWalkerHipSpeed = 4;
inline constexpr double kWalkerKneeSpeed = 6;

/// The physics of one episode: terrain, hull, and two legs of two parts each. Made anew for every episode, so
/// that nothing an earlier one left in Box2D's caches or tree can reach the next.
class BipedalWalkerWorld {
 public:
  /// Number of rays of the lidar.
  static constexpr int kRays = 10;

  /// Draws the terrain and the initial push from `random`.
  BipedalWalkerWorld(Random& random, bool hardcore);

  BipedalWalkerWorld(const BipedalWalkerWorld&) = delete;
  BipedalWalkerWorld& operator=(const BipedalWalkerWorld&) = delete;

  /// Advances by 1/50 s. The four components of `action` drive the joints: the sign is the direction in which
  /// the motor turns at its rated speed, the size in 0 .. 1 the share of its torque.
  void advance(Action action);

  const b2Body& hull() const { return *hull_; }
  /// Joint 0 and 2: hip of leg 0 and 1; joint 1 and 3: knee of leg 0 and 1.
  const b2RevoluteJoint& joint(int index) const { return *joints_[index]; }
  /// The part of a leg below that joint.
  const b2Body& leg_part(int joint) const { return *joints_[joint]->GetBodyB(); }
  const WalkerTerrain& terrain() const { return terrain_; }
  /// Whether the lower part of leg 0 or 1 touches the ground.
  bool leg_on_ground(int leg) const { return contacts_.leg_touches(leg); }
  bool hull_touched_ground() const { return contacts_.body_has_touched(); }
  /// The share of its range that each ray of the lidar goes until it meets the ground; 1 where it meets none.
  std::array<float, kRays> lidar() const;

 private:
  void make_ground(bool forward);
  void make_hull(Random& random);
  void make_leg(int index);
  b2Body* make_leg_part(int side, double centre_y, double width);
  b2RevoluteJoint* make_joint(b2Body* upper, b2Body* lower, double anchor_y, float lowest, float highest,
                              BlockJointStep& step);

  WalkerTerrain terrain_;
  b2World world_{b2Vec2(0, -10)};
  GroundContacts contacts_;
  b2Body* hull_ = nullptr;
  std::array<BlockJointStep, 4> joint_steps_{};
  std::array<b2RevoluteJoint*, 4> joints_{};
};

}  // namespace genkidama
