#include "env/box2d_clock.h"

#include <box2d/box2d.h>

#include <chrono>
#include <thread>

#include "support/catch.h"

namespace genkidama {
namespace {

/// A heap of boxes, whose step takes far more than the microsecond that the clock can tell.
struct Heap {
  Heap() {
    b2BodyDef definition;
    b2PolygonShape shape;
    shape.SetAsBox(50, 1);
    world.CreateBody(&definition)->CreateFixture(&shape, 0);
    definition.type = b2_dynamicBody;
    shape.SetAsBox(0.5f, 0.5f);
    for (int i = 0; i < 300; ++i) {
      definition.position.Set(static_cast<float>(i % 30) - 15, 1.5f + static_cast<float>(i / 30));
      world.CreateBody(&definition)->CreateFixture(&shape, 1);
    }
  }

  /// What its own statistics say of a step.
  float step_ms() {
    world.Step(1.0f / 50, 50, 20);
    return world.GetProfile().step;
  }

  b2World world{b2Vec2(0, -10)};
};

bool passes(const b2Timer& timer, std::chrono::milliseconds time) {
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < time) {
  }
  return timer.GetMilliseconds() > 0;
}

}  // namespace

TEST_CASE("a world that is stepped without Box2D's clock has no statistics, and moves as with it") {
  Heap with, without;
  CHECK(with.step_ms() > 0);
  {
    const WithoutBox2dClock no_clock;
    CHECK(without.step_ms() == 0);
  }
  CHECK(with.step_ms() > 0);
  CHECK(without.step_ms() > 0);
  const b2Body *one = with.world.GetBodyList(), *other = without.world.GetBodyList();
  for (; one != nullptr; one = one->GetNext(), other = other->GetNext()) {
    REQUIRE(one->GetPosition() == other->GetPosition());
    REQUIRE(one->GetAngle() == other->GetAngle());
  }
}

TEST_CASE("Box2D's timer goes on elsewhere, also in other threads and after a clock was without") {
  const b2Timer timer;
  CHECK(passes(timer, std::chrono::milliseconds(1)));
  const WithoutBox2dClock no_clock;
  {
    const WithoutBox2dClock inner;
    CHECK(timer.GetMilliseconds() == 0);
  }
  CHECK(timer.GetMilliseconds() == 0);
  bool other_passes = false;
  std::thread([&] {
    b2Timer own;
    own.Reset();
    other_passes = passes(own, std::chrono::milliseconds(1));
  }).join();
  CHECK(other_passes);
}

TEST_CASE("Box2D's timer counts in milliseconds") {
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::duration<double, std::milli>;
  const auto before = Clock::now();
  const b2Timer timer;
  const auto begun = Clock::now();
  while (Clock::now() - begun < std::chrono::milliseconds(5)) {
  }
  const double at_least = Milliseconds(Clock::now() - begun).count();
  const double counted = timer.GetMilliseconds();
  const double at_most = Milliseconds(Clock::now() - before).count();
  CHECK(counted > at_least - 1);
  CHECK(counted < at_most + 1);
}

}  // namespace genkidama
