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
    joint = block ? create_block_revolute_joint(world, hinge)
                  : static_cast<b2RevoluteJoint*>(world.CreateJoint(&hinge));
    for (int i = 0; i < others; ++i) world.CreateJoint(&hinge);
  }

  void step() { world.Step(0.02f, 20, 10); }

  b2World world{b2Vec2(0, -10)};
  b2Body* bar = nullptr;
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
