#include "genkidama/env/bipedal_walker.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "env/bipedal_walker_world.h"
#include "genkidama/core/error.h"
#include "support/catch.h"
#include "support/gymnasium_policies.h"

namespace genkidama::test {
namespace {

constexpr std::array<float, 4> kNoTorque{};

TEST_CASE("BipedalWalker's sizes, time limits and threshold are Gymnasium's") {
  const EnvironmentSpec spec = make_bipedal_walker()->spec();
  CHECK(spec.name == "BipedalWalker-v3");
  CHECK(spec.observation_size == 24);
  CHECK(spec.action_space == ActionSpace{{}, {-1, -1, -1, -1}, {1, 1, 1, 1}});
  CHECK(spec.time_limit == 1600);
  CHECK(spec.reward_threshold == 300);
  const EnvironmentSpec hardcore = make_bipedal_walker({.hardcore = true})->spec();
  CHECK(hardcore.name == "BipedalWalkerHardcore-v3");
  CHECK(hardcore.time_limit == 2000);
}

TEST_CASE("the walker starts upright on both feet, its knees slightly bent") {
  const auto environment = make_bipedal_walker();
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Observation state = environment->reset(seed);
    CHECK(std::abs(state[0]) < 0.01f);
    for (const int hip : {4, 9}) CHECK(std::abs(state[hip]) < 0.15f);
    for (const int knee : {6, 11}) CHECK(state[knee] == Approx(0.86).margin(0.02));
    CHECK(state[8] == 1);
    CHECK(state[13] == 1);
  }
}

// Where a ray from `from` first meets a segment from `a` to `b`, as a share of the ray; 1 where it does not.
double hit(b2Vec2 from, double ray_x, double ray_y, double ax, double ay, double bx, double by) {
  const double edge_x = bx - ax, edge_y = by - ay;
  const double across = ray_x * edge_y - ray_y * edge_x;
  if (across == 0) return 1;
  const double to_x = ax - from.x, to_y = ay - from.y;
  const double along_ray = (to_x * edge_y - to_y * edge_x) / across;
  const double along_edge = (to_x * ray_y - to_y * ray_x) / across;
  return along_ray >= 0 && along_ray <= 1 && along_edge >= 0 && along_edge <= 1 ? along_ray : 1;
}

double nearest_hit(const WalkerTerrain& terrain, b2Vec2 from, double angle) {
  const double range = 160.0 / 30;
  const double x = std::sin(angle) * range, y = -std::cos(angle) * range;
  double nearest = 1;
  const auto meet = [&](double ax, double ay, double bx, double by) {
    nearest = std::min(nearest, hit(from, x, y, ax, ay, bx, by));
  };
  for (int i = 0; i + 1 < kTerrainLength; ++i) {
    meet(i * kTerrainStep_m, terrain.height[i], (i + 1) * kTerrainStep_m, terrain.height[i + 1]);
  }
  for (const auto& [left, right, bottom, top] : terrain.boxes) {
    meet(left, bottom, left, top);
    meet(left, top, right, top);
    meet(right, top, right, bottom);
    meet(right, bottom, left, bottom);
  }
  return nearest;
}

// The rays of Box2D beside intersections with every edge of the ground, while a controller walks.
TEST_CASE("the lidar measures the distance to the ground along ten rays") {
  const bool hardcore = GENERATE(false, true);
  for (std::uint64_t seed = 1; seed < 9; ++seed) {
    Random terrain_random(seed);
    const WalkerTerrain terrain = draw_walker_terrain(terrain_random, hardcore);
    Random random(seed);
    BipedalWalkerWorld world(random, hardcore);
    const auto environment = make_bipedal_walker({.hardcore = hardcore});
    Observation state = environment->reset(seed);
    BipedalWalkerHeuristic walk;
    std::array<float, 4> action{};
    world.advance(action);
    for (int step = 0; step < 120; ++step) {
      const b2Vec2 from = world.hull().GetPosition();
      const auto lidar = world.lidar();
      for (int ray = 0; ray < BipedalWalkerWorld::kRays; ++ray) {
        CAPTURE(hardcore, seed, step, ray);
        REQUIRE(lidar[ray] == Approx(nearest_hit(terrain, from, 1.5 * ray / 10)).margin(1e-4));
        REQUIRE(state[14 + ray] == lidar[ray]);
      }
      walk(state, random, action);
      world.advance(action);
      const StepResult result = environment->step(action);
      if (result.terminated) break;
      state = result.observation;
    }
  }
}

TEST_CASE("the ground is level at its start and uneven behind, without obstacles unless they are asked for") {
  double spread = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const WalkerTerrain terrain = draw_walker_terrain(random, false);
    CHECK(terrain.boxes.empty());
    for (int i = 0; i <= kTerrainStartPad; ++i) CHECK(terrain.height[i] == kTerrainHeight_m);
    for (int i = 1; i < kTerrainLength; ++i) {
      CHECK(std::abs(terrain.height[i] - terrain.height[i - 1]) < 0.25);
    }
    spread += std::abs(terrain.height.back() - kTerrainHeight_m) / 200;
  }
  // Gymnasium's rule gives 0.097 (4,000 terrains).
  CHECK(spread == Approx(0.097).margin(0.02));
}

TEST_CASE("hardcore ground has stumps, stairs and pits of Gymnasium's sizes") {
  bool stump = false, stair = false, pit = false;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    const WalkerTerrain terrain = draw_walker_terrain(random, true);
    CHECK(terrain.boxes.size() > 5);
    for (const auto& [left, right, bottom, top] : terrain.boxes) {
      const double width = (right - left) / kTerrainStep_m, height = (top - bottom) / kTerrainStep_m;
      const auto is = [&](double w, double h) {
        return width == Approx(w).margin(1e-6) && height == Approx(h).margin(1e-6);
      };
      const bool is_stump = is(1, 1) || is(2, 2), is_stair = is(4, 1), is_wall = is(1, 4);
      CHECK((is_stump || is_stair || is_wall));
      CHECK(left >= kTerrainStartPad * kTerrainStep_m);
      stump |= is_stump;
      stair |= is_stair;
      pit |= is_wall;
    }
  }
  CHECK(stump);
  CHECK(stair);
  CHECK(pit);
}

// Every reward but the last is the way forward and the change of tilt, less the torque.
TEST_CASE("the reward is Gymnasium's shaping less the torque") {
  const auto environment = make_bipedal_walker();
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Random random(seed);
    Random same(seed);
    BipedalWalkerWorld world(same, false);
    world.advance(kNoTorque);
    const auto potential = [&] {
      return 130 * world.hull().GetPosition().x / 30.0 -
             5 * std::abs(static_cast<double>(world.hull().GetAngle()));
    };
    environment->reset(seed);
    std::array<float, 4> action;
    for (int step = 0; step < 200; ++step) {
      uniform_action({}, random, action);
      const double before = potential();
      world.advance(action);
      double torque = 0;
      for (const float value : action) torque += std::abs(value);
      const StepResult result = environment->step(action);
      if (result.terminated) {
        CHECK(result.reward == -100);
        break;
      }
      REQUIRE(result.reward == Approx(potential() - before - 0.028 * torque).margin(1e-4));
    }
  }
}

TEST_CASE("each component of the action turns its own joint, its sign the way, its size the torque") {
  for (int joint = 0; joint < 4; ++joint) {
    std::array<float, 3> speed{};
    int at = 0;
    for (const float torque : {-0.1f, 0.1f, 1.0f}) {
      Random random(1);
      BipedalWalkerWorld world(random, false);
      for (int i = 0; i < 3; ++i) world.advance(kNoTorque);
      std::array<float, 4> action{};
      action[joint] = torque;
      world.advance(action);
      speed[at++] = world.joint(joint).GetMotorSpeed();
      CHECK(world.joint(joint).GetMaxMotorTorque() == Approx(80 * std::abs(torque)));
      for (int other = 0; other < 4; ++other) {
        if (other != joint) CHECK(world.joint(other).GetMaxMotorTorque() == 0);
      }
    }
    const float rated = joint % 2 == 0 ? 4.0f : 6.0f;
    CHECK(speed == std::array<float, 3>{-rated, rated, rated});
  }
}

TEST_CASE("the walker that reaches the end of the track ends without -100") {
  const auto environment = make_bipedal_walker();
  Random random(1);
  int arrived = 0;
  for (std::uint64_t seed = 0; seed < 60 && arrived == 0; ++seed) {
    BipedalWalkerHeuristic walk;
    std::array<float, 4> action;
    StepResult result;
    result.observation = environment->reset(seed);
    double sum = 0;
    while (!result.terminated && !result.truncated) {
      walk(result.observation, random, action);
      result = environment->step(action);
      sum += result.reward;
    }
    if (result.terminated && result.reward > -99) {
      ++arrived;
      CHECK(sum > 250);
    }
  }
  CHECK(arrived == 1);
}

TEST_CASE(
    "actions outside [-1, 1], of another size or that are no numbers are refused, and so is an early step") {
  const auto environment = make_bipedal_walker();
  CHECK_THROWS_AS(environment->step(kNoTorque), ArgumentError);
  environment->reset(1);
  CHECK_THROWS_AS(environment->step(std::array<float, 3>{}), ArgumentError);
  CHECK_THROWS_AS(environment->step(std::array<float, 4>{0, 1.5f, 0, 0}), ArgumentError);
  CHECK_THROWS_AS(environment->step(std::array<float, 4>{0, 0, std::nanf(""), 0}), ArgumentError);
  CHECK_NOTHROW(environment->step(std::array<float, 4>{1, -1, 1, -1}));
}

}  // namespace
}  // namespace genkidama::test
