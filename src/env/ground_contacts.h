#pragma once

#include <array>

#include <box2d/box2d.h>

namespace genkidama {

/// Follows which parts of a body with two legs touch the ground, by the rules of Gymnasium's Box2D tasks.
/// Only contacts with the ground may occur in the world that it listens to.
class GroundContacts final : public b2ContactListener {
 public:
  /// The part that must not touch the ground.
  void watch_body(const b2Body* body) { body_ = body; }
  /// The part that reports as leg 0 or 1.
  void watch_leg(int leg, const b2Body* body) { legs_[leg] = body; }

  /// Whether the body touches the ground or has touched it before.
  bool body_has_touched() const { return body_has_touched_; }
  /// Whether the leg touches. A leg that leaves one of two edges counts as off the ground although it still
  /// touches the other one.
  bool leg_touches(int leg) const { return leg_touches_[leg]; }
  /// Whether anything touches the ground.
  bool any() const { return touching_ > 0; }

  void BeginContact(b2Contact* contact) override;
  void EndContact(b2Contact* contact) override;

 private:
  void set_legs(const b2Contact& contact, bool touches);

  const b2Body* body_ = nullptr;
  std::array<const b2Body*, 2> legs_{};
  std::array<bool, 2> leg_touches_{};
  bool body_has_touched_ = false;
  int touching_ = 0;
};

}  // namespace genkidama
