#include "env/block_revolute_joint.h"

#include <cstdint>
#include <initializer_list>
#include <new>

namespace genkidama {
namespace {

// Adds no data member: an object of this class takes the place of the b2RevoluteJoint it was copied from, in
// the world's own memory, because b2World creates only the joint classes it knows.
class BlockRevoluteJoint : public b2RevoluteJoint {
 public:
  explicit BlockRevoluteJoint(const b2RevoluteJoint& original) : b2RevoluteJoint(original) {}

 protected:
  void InitVelocityConstraints(const b2SolverData& data) override {
    // A limit that is not reached must not be warm started by the base class below.
    const float angle = m_bodyB->GetAngle() - m_bodyA->GetAngle() - m_referenceAngle;
    if (angle > m_lowerAngle) m_lowerImpulse = 0;
    if (angle < m_upperAngle) m_upperImpulse = 0;
    b2RevoluteJoint::InitVelocityConstraints(data);
    // From here to the end of the step m_K holds the inverse: a division less on every iteration's longest
    // path.
    m_K = m_K.GetInverse();
    const b2Vec2 coupling(-m_rA.y * m_invIA - m_rB.y * m_invIB, m_rA.x * m_invIA + m_rB.x * m_invIB);
    const b2Vec2 coupling_by_k = b2Mul(m_K, coupling);
    step() = {coupling_by_k, 1.0f / (m_invIA + m_invIB - b2Dot(coupling, coupling_by_k))};
  }

  void SolveVelocityConstraints(const b2SolverData& data) override {
    b2Velocity& a = data.velocities[m_indexA];
    b2Velocity& b = data.velocities[m_indexB];
    solve_motor(a, b, data.step.dt);
    if (m_angle <= m_lowerAngle) {
      solve_point_and_limit(a, b, m_lowerImpulse, 1.0f);
    } else if (m_angle >= m_upperAngle) {
      solve_point_and_limit(a, b, m_upperImpulse, -1.0f);
    } else {
      apply(a, b, b2Mul(m_K, -point_velocity(a, b)), 0);
    }
  }

 private:
  BlockJointStep& step() const { return *reinterpret_cast<BlockJointStep*>(m_userData.pointer); }

  b2Vec2 point_velocity(const b2Velocity& a, const b2Velocity& b) const {
    return b.v + b2Cross(b.w, m_rB) - a.v - b2Cross(a.w, m_rA);
  }

  void apply(b2Velocity& a, b2Velocity& b, const b2Vec2& impulse, float angular_impulse) {
    m_impulse += impulse;
    a.v -= m_invMassA * impulse;
    a.w -= m_invIA * (b2Cross(m_rA, impulse) + angular_impulse);
    b.v += m_invMassB * impulse;
    b.w += m_invIB * (b2Cross(m_rB, impulse) + angular_impulse);
  }

  void solve_motor(b2Velocity& a, b2Velocity& b, float dt) {
    const float wanted = m_motorImpulse - m_axialMass * (b.w - a.w - m_motorSpeed);
    const float limit = dt * m_maxMotorTorque;
    const float total = b2Clamp(wanted, -limit, limit);
    // Nine in ten times the motor has given all that it can before. The processor foresees that, and the rest
    // of the iteration does not wait for this comparison, as it would for the impulse.
    if (total == m_motorImpulse) [[likely]] {
      m_motorImpulse = total;
      if (b.w == 0) b.w = 0;  // as adding an impulse of 0 to -0 does
      return;
    }
    const float impulse = total - m_motorImpulse;
    m_motorImpulse = total;
    a.w -= m_invIA * impulse;
    b.w += m_invIB * impulse;
  }

  // `direction` is +1 for the lower limit, -1 for the upper: the sign of the angular impulse that limit may
  // give. `limit_impulse` is its accumulated size, never negative.
  //
  // With K the point's 2x2 matrix, k its coupling to the angle and s = 1 / m_axialMass, an impulse (p, q)
  // changes the point's velocity by K p + k q and the angle's by k.p + s q. Asked: point velocity zero, and
  // either angle velocity zero or, where that would need a pulling limit, limit impulse zero.
  void solve_point_and_limit(b2Velocity& a, b2Velocity& b, float& limit_impulse, float direction) {
    const auto [coupling_by_k, softness] = step();
    const b2Vec2 point = point_velocity(a, b);
    float q = softness * (b2Dot(coupling_by_k, point) - (b.w - a.w));
    const float total = b2Max(limit_impulse + direction * q, 0.0f);
    q = direction * (total - limit_impulse);
    limit_impulse = total;
    apply(a, b, -b2Mul(m_K, point) - q * coupling_by_k, q);
  }
};

// Solves its positions as 2.3 does too.
class Box2d23RevoluteJoint final : public BlockRevoluteJoint {
 public:
  using BlockRevoluteJoint::BlockRevoluteJoint;

  void set_motor(float speed, float max_torque) {
    m_motorSpeed = speed;
    m_maxMotorTorque = max_torque;
  }

 protected:
  // As 2.4's, with two differences: a limit counts when the step began beyond it, whatever the angle is now,
  // and the error that remains is measured from the limit itself, not from the slop behind it.
  bool SolvePositionConstraints(const b2SolverData& data) override {
    b2Position& a = data.positions[m_indexA];
    b2Position& b = data.positions[m_indexB];
    float angular_error = 0;
    if (m_angle <= m_lowerAngle) {
      angular_error = turn_towards_limit(a, b, m_lowerAngle, 1.0f);
    } else if (m_angle >= m_upperAngle) {
      angular_error = turn_towards_limit(a, b, m_upperAngle, -1.0f);
    }
    const b2Vec2 arm_a = b2Mul(b2Rot(a.a), m_localAnchorA - m_localCenterA);
    const b2Vec2 arm_b = b2Mul(b2Rot(b.a), m_localAnchorB - m_localCenterB);
    const b2Vec2 gap = b.c + arm_b - a.c - arm_a;
    const float mass = m_invMassA + m_invMassB;
    const float across = -m_invIA * arm_a.x * arm_a.y - m_invIB * arm_b.x * arm_b.y;
    const b2Mat22 stiffness(mass + m_invIA * arm_a.y * arm_a.y + m_invIB * arm_b.y * arm_b.y, across, across,
                            mass + m_invIA * arm_a.x * arm_a.x + m_invIB * arm_b.x * arm_b.x);
    const b2Vec2 impulse = -stiffness.Solve(gap);
    a.c -= m_invMassA * impulse;
    a.a -= m_invIA * b2Cross(arm_a, impulse);
    b.c += m_invMassB * impulse;
    b.a += m_invIB * b2Cross(arm_b, impulse);
    return gap.Length() <= b2_linearSlop && angular_error <= b2_angularSlop;
  }

 private:
  // `direction` is +1 for the lower limit, -1 for the upper. Returns how far the angle was beyond the limit.
  float turn_towards_limit(b2Position& a, b2Position& b, float limit, float direction) {
    const float beyond = direction * (limit - (b.a - a.a - m_referenceAngle));
    const float correction = b2Clamp(beyond - b2_angularSlop, 0.0f, b2_maxAngularCorrection);
    const float impulse = direction * m_axialMass * correction;
    a.a -= m_invIA * impulse;
    b.a += m_invIB * impulse;
    return beyond;
  }
};

static_assert(sizeof(Box2d23RevoluteJoint) == sizeof(b2RevoluteJoint));

template <typename Joint>
b2RevoluteJoint* create(b2World& world, const b2RevoluteJointDef& definition, BlockJointStep& step) {
  auto* original = static_cast<b2RevoluteJoint*>(world.CreateJoint(&definition));
  // The copy carries the links between joint, bodies and world; they hold addresses, which stay the same.
  const Joint copy(*original);
  original->~b2RevoluteJoint();
  auto* joint = new (static_cast<void*>(original)) Joint(copy);
  joint->GetUserData().pointer = reinterpret_cast<std::uintptr_t>(&step);
  return joint;
}

}  // namespace

b2RevoluteJoint* create_block_revolute_joint(b2World& world, const b2RevoluteJointDef& definition,
                                             BlockJointStep& step) {
  return create<BlockRevoluteJoint>(world, definition, step);
}

b2RevoluteJoint* create_box2d23_revolute_joint(b2World& world, const b2RevoluteJointDef& definition,
                                               BlockJointStep& step) {
  return create<Box2d23RevoluteJoint>(world, definition, step);
}

void set_box2d23_joint_motor(b2RevoluteJoint& joint, float speed, float max_torque) {
  static_cast<Box2d23RevoluteJoint&>(joint).set_motor(speed, max_torque);
  for (b2Body* body : {joint.GetBodyA(), joint.GetBodyB()}) {
    if (!body->IsAwake()) body->SetAwake(true);
  }
}

}  // namespace genkidama
