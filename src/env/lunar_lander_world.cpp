#include "env/lunar_lander_world.h"

#include <cmath>

#include "env/box2d_clock.h"

namespace genkidama {
namespace {

constexpr double kInitialRandom = 1000;
constexpr double kMainEnginePower = 13;
constexpr double kSideEnginePower = 0.6;
constexpr double kMainEngineDown_m = 4 / kLanderScale;
constexpr double kSideEngineAway_m = 12 / kLanderScale;
constexpr double kSideEngineHeight_m = 14 / kLanderScale;
// gym lowers the side engines' point of attack by 17 pixels along x but raises it by 14 along y.
constexpr double kSideEngineShift_m = 17 / kLanderScale;
constexpr double kLegAway_m = 20 / kLanderScale;
constexpr double kLegHalfWidth_m = 2 / kLanderScale;
constexpr double kLegHalfHeight_m = 8 / kLanderScale;
constexpr float kLegSpringTorque = 40;
constexpr double kLegAngle = 0.05;
constexpr float kLegMotorSpeed = 0.3f;
constexpr float kLegInnerLimit = 0.4f;
constexpr float kLegOuterLimit = 0.9f;
constexpr std::uint16_t kGround = 0x0001;
constexpr std::uint16_t kLander = 0x0010;
constexpr std::uint16_t kLeg = 0x0020;

b2Vec2 vec(double x, double y) {
  return {static_cast<float>(x), static_cast<float>(y)};
}

}  // namespace

LunarLanderWorld::LunarLanderWorld(Random& random) {
  world_.SetContactListener(&contacts_);
  make_moon(random);
  make_lander(random);
  make_leg(0);
  make_leg(1);
}

void LunarLanderWorld::make_moon(Random& random) {
  constexpr int kChunks = std::tuple_size_v<decltype(terrain_)>;
  std::array<double, kChunks + 1> height;
  for (double& h : height) h = random.uniform(0, kLanderHeight_m / 2);
  for (int i = kChunks / 2 - 2; i <= kChunks / 2 + 2; ++i) height[i] = kLanderHelipadHeight_m;
  for (int i = 0; i < kChunks; ++i) {
    const double before = height[i == 0 ? kChunks : i - 1];
    terrain_[i] = vec(kLanderWidth_m / (kChunks - 1) * i, 0.33 * (before + height[i] + height[i + 1]));
  }

  const b2BodyDef definition;
  b2Body* moon = world_.CreateBody(&definition);
  b2EdgeShape edge;
  edge.SetTwoSided(b2Vec2(0, 0), vec(kLanderWidth_m, 0));
  moon->CreateFixture(&edge, 0);
  b2FixtureDef fixture;
  fixture.shape = &edge;
  fixture.friction = 0.1f;
  for (int i = 0; i + 1 < kChunks; ++i) {
    edge.SetTwoSided(terrain_[i], terrain_[i + 1]);
    moon->CreateFixture(&fixture);
  }
}

void LunarLanderWorld::make_lander(Random& random) {
  b2BodyDef definition;
  definition.type = b2_dynamicBody;
  definition.position = vec(kLanderWidth_m / 2, kLanderHeight_m);
  lander_ = world_.CreateBody(&definition);
  contacts_.watch_body(lander_);

  constexpr std::array<std::array<int, 2>, 6> kOutline{
      {{-14, 17}, {-17, 0}, {-17, -10}, {17, -10}, {17, 0}, {14, 17}}};
  std::array<b2Vec2, kOutline.size()> corners;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    corners[i] = vec(kOutline[i][0] / kLanderScale, kOutline[i][1] / kLanderScale);
  }
  b2PolygonShape shape;
  shape.Set(corners.data(), static_cast<int32>(corners.size()));
  b2FixtureDef fixture;
  fixture.shape = &shape;
  fixture.density = 5;
  fixture.friction = 0.1f;
  fixture.filter.categoryBits = kLander;
  fixture.filter.maskBits = kGround;
  lander_->CreateFixture(&fixture);

  const double push_x = random.uniform(-kInitialRandom, kInitialRandom);
  const double push_y = random.uniform(-kInitialRandom, kInitialRandom);
  lander_->ApplyForceToCenter(vec(push_x, push_y), true);
}

void LunarLanderWorld::make_leg(int index) {
  const int side = index == 0 ? -1 : 1;
  b2BodyDef definition;
  definition.type = b2_dynamicBody;
  definition.position = vec(kLanderWidth_m / 2 - side * kLegAway_m, kLanderHeight_m);
  definition.angle = static_cast<float>(side * kLegAngle);
  b2Body* leg = world_.CreateBody(&definition);
  contacts_.watch_leg(index, leg);
  legs_[static_cast<std::size_t>(index)] = leg;

  b2PolygonShape shape;
  shape.SetAsBox(static_cast<float>(kLegHalfWidth_m), static_cast<float>(kLegHalfHeight_m));
  b2FixtureDef fixture;
  fixture.shape = &shape;
  fixture.density = 1;
  fixture.filter.categoryBits = kLeg;
  fixture.filter.maskBits = kGround;
  leg->CreateFixture(&fixture);

  b2RevoluteJointDef joint;
  joint.bodyA = lander_;
  joint.bodyB = leg;
  joint.localAnchorB = vec(side * kLegAway_m, kLanderLegDown_m);
  // gym never names it: its Python bindings fill it in from the bodies' angles, and the limits count from it.
  joint.referenceAngle = leg->GetAngle() - lander_->GetAngle();
  joint.enableMotor = true;
  joint.maxMotorTorque = kLegSpringTorque;
  joint.motorSpeed = kLegMotorSpeed * static_cast<float>(side);
  joint.enableLimit = true;
  joint.lowerAngle = side < 0 ? kLegInnerLimit : -kLegOuterLimit;
  joint.upperAngle = side < 0 ? kLegOuterLimit : -kLegInnerLimit;
  create_block_revolute_joint(world_, joint, joint_steps_[static_cast<std::size_t>(index)]);
}

void LunarLanderWorld::push_lander(double offset_x, double offset_y, double at_x, double at_y, double power) {
  const b2Vec2& position = lander_->GetPosition();
  lander_->ApplyLinearImpulse(vec(-offset_x * power, -offset_y * power),
                              vec(position.x + at_x, position.y + at_y), true);
}

void LunarLanderWorld::fire_main_engine(const std::array<double, 2>& dispersion, double power) {
  const double tip_x = std::sin(lander_->GetAngle());
  const double tip_y = std::cos(lander_->GetAngle());
  const double down = kMainEngineDown_m + 2 * dispersion[0];
  const double x = tip_x * down - tip_y * dispersion[1];
  const double y = -tip_y * down - tip_x * dispersion[1];
  push_lander(x, y, x, y, kMainEnginePower * power);
}

void LunarLanderWorld::fire_side_engine(const std::array<double, 2>& dispersion, double power) {
  const double tip_x = std::sin(lander_->GetAngle());
  const double tip_y = std::cos(lander_->GetAngle());
  const double away = 3 * dispersion[1] + (power < 0 ? -kSideEngineAway_m : kSideEngineAway_m);
  const double x = tip_x * dispersion[0] - tip_y * away;
  const double y = -tip_y * dispersion[0] - tip_x * away;
  push_lander(x, y, x - tip_x * kSideEngineShift_m, y + tip_y * kSideEngineHeight_m,
              kSideEnginePower * std::abs(power));
}

void LunarLanderWorld::advance(const LunarLanderIterations& iterations) {
  // The initial push is far stronger than any engine, and what its step leaves unsolved shows in the next
  // ones. A first touch needs nothing of its own: Box2D's continuous collision stops the leg at the ground
  // within the step, and the next one starts with a touching contact.
  const bool hard = opening_steps_ > 0 || contacts_.any();
  if (opening_steps_ > 0) --opening_steps_;
  const WithoutBox2dClock no_clock;
  world_.Step(static_cast<float>(1 / kLanderFps),
              hard ? iterations.contact_velocity : iterations.flight_velocity,
              hard ? iterations.contact_position : iterations.flight_position);
}

}  // namespace genkidama
