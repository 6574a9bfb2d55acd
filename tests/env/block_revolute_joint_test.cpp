#include "env/block_revolute_joint.h"

#include <box2d/box2d.h>

#include <cmath>

#include "support/catch.h"

namespace genkidama {
namespace {

// A bar of 2 m that hangs by its end from a fixed body, free to turn from -2 to 2 rad.
struct Pendulum {
  explicit Pendulum(bool block, int others = 0) {
    b2BodyDef definition;
    b2Body* ceiling = world.CreateBody(&definition);
    definition.type = b2_dynamicBody;
    definition.position.Set(0, -1);
    bar = world.CreateBody(&definition);
    b2PolygonShape shape;
    shape.SetAsBox(0.05f, 1);
    bar->CreateFixture(&shape, 1);
    b2RevoluteJointDef hinge;
    hinge.Initialize(ceiling, bar, b2Vec2(0, 0));
    hinge.enableMotor = true;
    hinge.maxMotorTorque = 0.01f;
    hinge.enableLimit = true;
    hinge.lowerAngle = -0.5f;
    hinge.upperAngle = 2;
    for (int i = 0; i < others; ++i) world.CreateJoint(&hinge);
    joint = block ? create_block_revolute_joint(world, hinge, joint_step)
                  : static_cast<b2RevoluteJoint*>(world.CreateJoint(&hinge));
    for (int i = 0; i < others; ++i) world.CreateJoint(&hinge);
  }

  void step() { world.Step(0.02f, 20, 10); }

  b2World world{b2Vec2(0, -10)};
  b2Body* bar = nullptr;
  BlockJointStep joint_step{};
  b2RevoluteJoint* joint = nullptr;
};

TEST_CASE("away from its limits a block joint swings as Box2D's own") {
  Pendulum block(true);
  Pendulum plain(false);
  block.bar->SetAngularVelocity(1);
  plain.bar->SetAngularVelocity(1);
  block.bar->SetLinearVelocity(b2Vec2(1, 0));
  plain.bar->SetLinearVelocity(b2Vec2(1, 0));
  for (int i = 0; i < 30; ++i) {
    block.step();
    plain.step();
    REQUIRE(block.joint->GetJointAngle() > -0.4f);
    CHECK(block.joint->GetJointAngle() == Approx(plain.joint->GetJointAngle()).margin(1e-3));
  }
  CHECK(block.joint->GetJointAngle() > 0.1f);
}

TEST_CASE("a block joint stops at its limit, stays together, and lets go again") {
  Pendulum pendulum(true);
  pendulum.bar->SetAngularVelocity(-4);
  pendulum.bar->SetLinearVelocity(b2Vec2(-4, 0));
  float lowest = 0;
  for (int i = 0; i < 200; ++i) {
    pendulum.step();
    lowest = std::fmin(lowest, pendulum.joint->GetJointAngle());
    CHECK((pendulum.joint->GetAnchorA() - pendulum.joint->GetAnchorB()).Length() < 0.02f);
  }
  // The limit acts once it is reached: it may be passed by one step's turn, no more.
  CHECK(lowest < -0.49f);
  CHECK(lowest > -0.6f);
  CHECK(pendulum.joint->GetJointAngle() > -0.49f);
}

// Asks a joint to turn beyond its limit within one step: an upper arm that hangs from a fixed body, a lower
// arm whose end a heavy body pulls away.
TEST_CASE("a joint of Box2D 2.3 lets a position be corrected past a limit that the step began inside of") {
  const auto angle_after_a_step = [](bool box2d23) {
    b2World world(b2Vec2(0, 0));
    b2BodyDef definition;
    b2Body* post = world.CreateBody(&definition);
    definition.type = b2_dynamicBody;
    // The bar's end is 0.5 m beside the post: the position solver pulls it there, which turns the bar.
    definition.position.Set(0.5f, -1);
    b2Body* bar = world.CreateBody(&definition);
    b2PolygonShape shape;
    shape.SetAsBox(0.05f, 1);
    bar->CreateFixture(&shape, 1);
    b2RevoluteJointDef hinge;
    hinge.bodyA = post;
    hinge.bodyB = bar;
    hinge.localAnchorB = b2Vec2(0, 1);
    hinge.enableMotor = hinge.enableLimit = true;
    hinge.lowerAngle = -0.05f;
    hinge.upperAngle = 0.05f;
    BlockJointStep joint_step{};
    b2RevoluteJoint* joint = box2d23 ? create_box2d23_revolute_joint(world, hinge, joint_step)
                                     : create_block_revolute_joint(world, hinge, joint_step);
    world.Step(0.02f, 0, 20);
    CHECK((joint->GetAnchorA() - joint->GetAnchorB()).Length() < 0.05f);
    return std::abs(joint->GetJointAngle());
  };
  CHECK(angle_after_a_step(true) > 0.2f);
  CHECK(angle_after_a_step(false) < 0.12f);
}

TEST_CASE("a joint of Box2D 2.3 brings an angle back that begins a step beyond a limit") {
  Pendulum pendulum(true);
  pendulum.world.DestroyJoint(pendulum.joint);
  b2RevoluteJointDef hinge;
  hinge.Initialize(pendulum.world.GetBodyList()->GetNext(), pendulum.bar, b2Vec2(0, 0));
  hinge.enableMotor = hinge.enableLimit = true;
  hinge.referenceAngle = 0.3f;  // the angle is -0.3
  hinge.lowerAngle = -0.1f;
  hinge.upperAngle = 0.5f;
  pendulum.joint = create_box2d23_revolute_joint(pendulum.world, hinge, pendulum.joint_step);
  for (int i = 0; i < 20; ++i) pendulum.step();
  CHECK(pendulum.joint->GetJointAngle() > -0.1f - 2 * b2_angularSlop);
  CHECK(pendulum.joint->GetJointAngle() < 0);
}

TEST_CASE("a motor that is set wakes a body that sleeps, and does not keep awake one that rests") {
  Pendulum pendulum(true);
  b2RevoluteJointDef hinge;
  hinge.Initialize(pendulum.world.GetBodyList()->GetNext(), pendulum.bar, b2Vec2(0, 0));
  hinge.enableMotor = hinge.enableLimit = true;
  hinge.lowerAngle = -1;
  hinge.upperAngle = 1;
  pendulum.world.DestroyJoint(pendulum.joint);
  pendulum.joint = create_box2d23_revolute_joint(pendulum.world, hinge, pendulum.joint_step);
  bool slept = false;
  for (int i = 0; i < 100; ++i) {
    set_box2d23_joint_motor(*pendulum.joint, 0, 1);
    CHECK(pendulum.bar->IsAwake());
    pendulum.step();
    slept |= !pendulum.bar->IsAwake();
  }
  CHECK(slept);
  set_box2d23_joint_motor(*pendulum.joint, 1, 50);
  CHECK(pendulum.joint->GetMotorSpeed() == 1);
  CHECK(pendulum.joint->GetMaxMotorTorque() == 50);
  pendulum.step();
  CHECK(pendulum.joint->GetJointAngle() > 0);
}

TEST_CASE("the world lists and destroys block joints among others") {
  Pendulum pendulum(true, 2);
  CHECK(pendulum.world.GetJointCount() == 5);
  const auto count = [&] {
    int listed = 0;
    for (b2Joint* joint = pendulum.world.GetJointList(); joint != nullptr; joint = joint->GetNext()) ++listed;
    int edges = 0;
    for (b2JointEdge* edge = pendulum.bar->GetJointList(); edge != nullptr; edge = edge->next) ++edges;
    CHECK(edges == listed);
    return listed;
  };
  CHECK(count() == 5);
  pendulum.world.DestroyJoint(pendulum.joint);
  CHECK(count() == 4);
  pendulum.step();
  pendulum.world.DestroyBody(pendulum.bar);
  CHECK(pendulum.world.GetJointCount() == 0);
}

}  // namespace
}  // namespace genkidama
