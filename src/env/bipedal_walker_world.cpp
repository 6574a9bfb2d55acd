#include "env/bipedal_walker_world.h"

#include <cmath>

#include "env/box2d_clock.h"

namespace genkidama {
namespace {

constexpr double kInitialRandom = 5;
constexpr double kLidarRange_m = 160 / kWalkerScale;
constexpr double kHipHeight_m = -8 / kWalkerScale;
constexpr double kLegWidth_m = 8 / kWalkerScale;
constexpr double kLegHeight_m = 34 / kWalkerScale;
constexpr double kLegAngle = 0.05;
constexpr double kStartX_m = kTerrainStep_m * kTerrainStartPad / 2;
constexpr double kStartY_m = kTerrainHeight_m + 2 * kLegHeight_m;
constexpr float kGroundFriction = 2.5f;
// Each foot stands where two edges of the ground meet, and the first steps, which pull the walker's parts
// together, depend on which of the two contacts is solved first. In Gymnasium that depends on what earlier
// episodes left in the world; in its statistics, one episode of ten has the other order. In ours it follows
// from the order in which the edges are made.
constexpr double kForwardShare = 0.1;
constexpr int kVelocityIterations = 180;
constexpr int kPositionIterations = 60;
constexpr std::uint16_t kGround = 0x0001;
constexpr std::uint16_t kWalker = 0x0020;

b2Vec2 vec(double x, double y) {
  return {static_cast<float>(x), static_cast<float>(y)};
}

void add_part(b2Body& body, const b2Shape& shape, float density, float friction) {
  b2FixtureDef fixture;
  fixture.shape = &shape;
  fixture.density = density;
  fixture.friction = friction;
  fixture.filter.categoryBits = kWalker;
  fixture.filter.maskBits = kGround;
  body.CreateFixture(&fixture);
}

// Keeps the nearest hit of the ground.
class GroundRay final : public b2RayCastCallback {
 public:
  float ReportFixture(b2Fixture* fixture, const b2Vec2&, const b2Vec2&, float fraction) override {
    if ((fixture->GetFilterData().categoryBits & kGround) == 0) return -1;
    nearest = fraction;
    return fraction;
  }

  float nearest = 1;
};

}  // namespace

BipedalWalkerWorld::BipedalWalkerWorld(Random& random, bool hardcore)
    : terrain_(draw_walker_terrain(random, hardcore)) {
  world_.SetContactListener(&contacts_);
  make_ground(random.uniform() < kForwardShare);
  make_hull(random);
  make_leg(0);
  make_leg(1);
}

void BipedalWalkerWorld::make_ground(bool forward) {
  const b2BodyDef definition;
  b2Body* ground = world_.CreateBody(&definition);
  b2FixtureDef fixture;
  fixture.friction = kGroundFriction;
  fixture.filter.categoryBits = kGround;
  b2PolygonShape box;
  fixture.shape = &box;
  for (const auto& [left, right, bottom, top] : terrain_.boxes) {
    const std::array<b2Vec2, 4> corners{vec(left, top), vec(right, top), vec(right, bottom),
                                        vec(left, bottom)};
    box.Set(corners.data(), static_cast<int32>(corners.size()));
    ground->CreateFixture(&fixture);
  }
  b2EdgeShape edge;
  fixture.shape = &edge;
  for (int n = 0; n + 1 < kTerrainLength; ++n) {
    const int i = forward ? n : kTerrainLength - 2 - n;
    edge.SetTwoSided(vec(i * kTerrainStep_m, terrain_.height[i]),
                     vec((i + 1) * kTerrainStep_m, terrain_.height[i + 1]));
    ground->CreateFixture(&fixture);
  }
}

void BipedalWalkerWorld::make_hull(Random& random) {
  b2BodyDef definition;
  definition.type = b2_dynamicBody;
  definition.position = vec(kStartX_m, kStartY_m);
  hull_ = world_.CreateBody(&definition);
  contacts_.watch_body(hull_);

  constexpr std::array<std::array<int, 2>, 5> kOutline{{{-30, 9}, {6, 9}, {34, 1}, {34, -8}, {-30, -8}}};
  std::array<b2Vec2, kOutline.size()> corners;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    corners[i] = vec(kOutline[i][0] / kWalkerScale, kOutline[i][1] / kWalkerScale);
  }
  b2PolygonShape shape;
  shape.Set(corners.data(), static_cast<int32>(corners.size()));
  add_part(*hull_, shape, 5, 0.1f);
  hull_->ApplyForceToCenter(vec(random.uniform(-kInitialRandom, kInitialRandom), 0), true);
}

b2Body* BipedalWalkerWorld::make_leg_part(int side, double centre_y, double width) {
  b2BodyDef definition;
  definition.type = b2_dynamicBody;
  definition.position = vec(kStartX_m, centre_y);
  definition.angle = static_cast<float>(side * kLegAngle);
  b2Body* part = world_.CreateBody(&definition);
  b2PolygonShape shape;
  shape.SetAsBox(static_cast<float>(width / 2), static_cast<float>(kLegHeight_m / 2));
  add_part(*part, shape, 1, 0.2f);
  return part;
}

b2RevoluteJoint* BipedalWalkerWorld::make_joint(b2Body* upper, b2Body* lower, double anchor_y, float lowest,
                                                float highest, BlockJointStep& step) {
  b2RevoluteJointDef joint;
  joint.bodyA = upper;
  joint.bodyB = lower;
  joint.localAnchorA = vec(0, anchor_y);
  joint.localAnchorB = vec(0, kLegHeight_m / 2);
  // Gymnasium never names it: its Python bindings fill it in from the bodies' angles. The limits and the
  // joint angles that are observed count from it.
  joint.referenceAngle = lower->GetAngle() - upper->GetAngle();
  joint.enableMotor = true;
  joint.enableLimit = true;
  joint.lowerAngle = lowest;
  joint.upperAngle = highest;
  return create_box2d23_revolute_joint(world_, joint, step);
}

void BipedalWalkerWorld::make_leg(int index) {
  const int side = index == 0 ? -1 : 1;
  b2Body* upper = make_leg_part(side, kStartY_m - kLegHeight_m / 2 - kHipHeight_m, kLegWidth_m);
  joints_[2 * index] = make_joint(hull_, upper, kHipHeight_m, -0.8f, 1.1f, joint_steps_[2 * index]);
  b2Body* lower = make_leg_part(side, kStartY_m - kLegHeight_m * 3 / 2 - kHipHeight_m, 0.8 * kLegWidth_m);
  joints_[2 * index + 1] =
      make_joint(upper, lower, -kLegHeight_m / 2, -1.6f, -0.1f, joint_steps_[2 * index + 1]);
  contacts_.watch_leg(index, lower);
}

void BipedalWalkerWorld::advance(Action action) {
  for (std::size_t i = 0; i < joints_.size(); ++i) {
    const double rated = i % 2 == 0 ? kWalkerHipSpeed : kWalkerKneeSpeed;
    const int direction = (action[i] > 0) - (action[i] < 0);
    set_box2d23_joint_motor(
        *joints_[i], static_cast<float>(rated * direction),
        static_cast<float>(kWalkerMotorTorque * std::abs(static_cast<double>(action[i]))));
  }
  const WithoutBox2dClock no_clock;
  world_.Step(static_cast<float>(1 / kWalkerFps), kVelocityIterations, kPositionIterations);
}

std::array<float, BipedalWalkerWorld::kRays> BipedalWalkerWorld::lidar() const {
  std::array<float, kRays> fractions;
  const b2Vec2& from = hull_->GetPosition();
  for (int i = 0; i < kRays; ++i) {
    const double angle = 1.5 * i / kRays;  // from straight down towards the front
    GroundRay ray;
    world_.RayCast(&ray, from,
                   vec(from.x + std::sin(angle) * kLidarRange_m, from.y - std::cos(angle) * kLidarRange_m));
    fractions[i] = ray.nearest;
  }
  return fractions;
}

}  // namespace genkidama
