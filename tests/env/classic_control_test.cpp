// What the trajectories of classic_control_oracle_test.cpp do not show: starts, ends, limits, refused
// actions.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/acrobot.h"
#include "genkidama/env/mountain_car.h"
#include "genkidama/env/pendulum.h"
#include "support/catch.h"

namespace genkidama {
namespace {

struct Range {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -std::numeric_limits<double>::infinity();
  double mean = 0;
};

/// Of a function of the first observation, over 2,000 seeds.
template <typename Value>
Range over_starts(Environment& environment, const Value& value) {
  constexpr int kSeeds = 2000;
  Range range;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const double x = value(environment.reset(seed));
    range.lowest = std::min(range.lowest, x);
    range.highest = std::max(range.highest, x);
    range.mean += x / kSeeds;
  }
  return range;
}

/// A start is uniform between two bounds: 2,000 of them come near both, and their mean near the middle.
template <typename Value>
void check_uniform(Environment& environment, const Value& value, double low, double high) {
  const Range range = over_starts(environment, value);
  const double width = high - low;
  CHECK(range.lowest >= low - 1e-6);
  CHECK(range.highest <= high + 1e-6);
  CHECK(range.lowest < low + 0.01 * width);
  CHECK(range.highest > high - 0.01 * width);
  CHECK(range.mean == Approx((low + high) / 2).margin(0.03 * width));
}

/// Plays one action until the episode ends, and returns the last step. `steps` is set to their number.
StepResult play_out(Environment& environment, float action, int& steps) {
  StepResult result;
  for (steps = 0; !result.terminated && !result.truncated; ++steps) {
    REQUIRE(steps < 2000);
    result = environment.step(Action(&action, 1));
  }
  return result;
}

TEST_CASE("Pendulum starts anywhere, with a velocity within 1") {
  const auto environment = make_pendulum();
  check_uniform(
      *environment, [](Observation start) { return std::atan2(start[1], start[0]); }, -std::numbers::pi,
      std::numbers::pi);
  check_uniform(
      *environment, [](Observation start) { return start[2]; }, -1, 1);
}

TEST_CASE("Acrobot starts with every angle and velocity within 0.1") {
  const auto environment = make_acrobot();
  check_uniform(
      *environment, [](Observation start) { return std::atan2(start[1], start[0]); }, -0.1, 0.1);
  check_uniform(
      *environment, [](Observation start) { return std::atan2(start[3], start[2]); }, -0.1, 0.1);
  for (const std::size_t i : {4, 5}) {
    check_uniform(
        *environment, [i](Observation start) { return start[i]; }, -0.1, 0.1);
  }
}

TEST_CASE("both mountain cars start at rest in the valley") {
  for (const auto make : {make_mountain_car, make_mountain_car_continuous}) {
    const auto environment = make();
    check_uniform(
        *environment, [](Observation start) { return start[0]; }, -0.6, -0.4);
    const Range velocity = over_starts(*environment, [](Observation start) { return start[1]; });
    CHECK(velocity.lowest == 0);
    CHECK(velocity.highest == 0);
  }
}

TEST_CASE("Pendulum and both mountain cars are truncated at their limits") {
  struct Case {
    std::unique_ptr<Environment> (*make)();
    float idle;
    int limit;
  };
  for (const Case& a :
       {Case{make_pendulum, 0, 200}, {make_mountain_car, 1, 200}, {make_mountain_car_continuous, 0, 999}}) {
    const auto environment = a.make();
    for (int episode = 0; episode < 2; ++episode) {
      environment->reset(7);
      int steps = 0;
      const StepResult last = play_out(*environment, a.idle, steps);
      CHECK(steps == a.limit);
      CHECK(last.truncated);
      CHECK_FALSE(last.terminated);
    }
  }
}

TEST_CASE("an idle Acrobot is truncated after 500 steps") {
  const auto environment = make_acrobot();
  environment->reset(3);
  int steps = 0;
  const StepResult last = play_out(*environment, 1, steps);
  CHECK(steps == 500);
  CHECK(last.truncated);
  CHECK(last.reward == -1);
}

TEST_CASE("Acrobot ends with reward 0 once its tip is up") {
  const auto environment = make_acrobot();
  Observation now = environment->reset(1);
  StepResult result;
  double sum = 0;
  int steps = 0;
  while (!result.terminated && !result.truncated) {
    const double angle1 = std::atan2(now[1], now[0]), angle2 = std::atan2(now[3], now[2]);
    const double height = -std::cos(angle1) - std::cos(angle1 + angle2);
    CHECK(height <= 1 + 1e-5);
    result = environment->step(now[5] > 0 ? 2 : 0);  // pushes the way the second link turns
    now = result.observation;
    sum += result.reward;
    ++steps;
  }
  CHECK(result.terminated);
  CHECK(result.reward == 0);
  CHECK(sum == 1 - steps);
  const double angle1 = std::atan2(now[1], now[0]), angle2 = std::atan2(now[3], now[2]);
  CHECK(-std::cos(angle1) - std::cos(angle1 + angle2) > 1 - 1e-5);
}

TEST_CASE("MountainCar is solved by pushing the way the car goes") {
  const auto environment = make_mountain_car();
  Observation now = environment->reset(1);
  StepResult result;
  int steps = 0;
  while (!result.terminated && !result.truncated) {
    result = environment->step(now[1] >= 0 ? 2 : 0);
    now = result.observation;
    CHECK(result.reward == -1);
    CHECK(result.terminated == (now[0] >= 0.5f));
    ++steps;
  }
  CHECK(result.terminated);
  CHECK(steps < 150);
}

TEST_CASE("MountainCarContinuous pays 100 at its goal and charges for force") {
  const auto environment = make_mountain_car_continuous();
  Observation now = environment->reset(1);
  StepResult result;
  double sum = 0;
  int steps = 0;
  while (!result.terminated && !result.truncated) {
    const float force = now[1] >= 0 ? 1.0f : -1.0f;
    result = environment->step(Action(&force, 1));
    now = result.observation;
    sum += result.reward;
    ++steps;
    CHECK(result.terminated == (now[0] >= 0.45f));
    CHECK(result.reward == Approx(result.terminated ? 99.9 : -0.1));
  }
  CHECK(result.terminated);
  CHECK(sum == Approx(100 - 0.1 * steps).margin(1e-3));
  CHECK(sum > 85);
}

TEST_CASE("the left wall stops both mountain cars") {
  for (const auto make : {make_mountain_car, make_mountain_car_continuous}) {
    const auto environment = make();
    const bool continuous = environment->spec().action_space.choices.empty();
    bool touched = false;
    Observation now = environment->reset(2);
    for (int i = 0; i < 199 && !touched; ++i) {
      // Pushes the way the car goes, but turns it round before it reaches the goal.
      const bool to_the_right = now[1] > 0 && now[0] < 0;
      const float force = to_the_right ? 1.0f : -1.0f;
      const float push = continuous ? force : force + 1;
      now = environment->step(Action(&push, 1)).observation;
      CHECK(now[0] >= -1.2f);
      touched = now[0] == -1.2f;
      if (touched) CHECK(now[1] == 0);
    }
    CHECK(touched);
  }
}

TEST_CASE("a reward and an angular velocity of Pendulum are within their bounds") {
  const auto environment = make_pendulum();
  const double most_cost = std::numbers::pi * std::numbers::pi + 0.1 * 64 + 0.001 * 4;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Observation now = environment->reset(seed);
    for (int i = 0; i < 200; ++i) {
      const float torque = now[2] >= 0 ? 2.0f : -2.0f;
      const StepResult result = environment->step(Action(&torque, 1));
      now = result.observation;
      CHECK(std::abs(now[2]) <= 8);
      CHECK(result.reward <= 0);
      CHECK(result.reward >= -most_cost - 1e-4);
      CHECK_FALSE(result.terminated);
    }
  }
}

TEST_CASE("the tasks with bounds refuse what lies beyond them, by name") {
  const auto refuse = [](Environment& environment, std::vector<float> action, const std::string& text) {
    environment.reset(0);
    CHECK_THROWS_AS(environment.step(Action(action)), ArgumentError);
    CHECK_THROWS_WITH(environment.step(Action(action)), Catch::Contains(text));
  };
  const auto pendulum = make_pendulum();
  refuse(*pendulum, {2.5f}, "Pendulum-v1: step() given 2.5 as component 0 of its action, expected -2 to 2");
  refuse(*pendulum, {std::numeric_limits<float>::quiet_NaN()}, "Pendulum-v1: step() given nan");
  refuse(*pendulum, {}, "Pendulum-v1: step() given an action of 0 numbers, expected 1");
  refuse(*pendulum, {1, 1}, "Pendulum-v1: step() given an action of 2 numbers, expected 1");
  refuse(*make_mountain_car_continuous(), {-1.001f}, "MountainCarContinuous-v0: step() given -1.001");
  refuse(*make_mountain_car(), {3}, "MountainCar-v0: action 3 given, expected 0 to 2");
  refuse(*make_acrobot(), {0.5f}, "Acrobot-v1: action 0.5 given, expected 0 to 2");
  const float most = 2;
  pendulum->reset(0);
  CHECK_NOTHROW(pendulum->step(Action(&most, 1)));
}

TEST_CASE("the same seed and actions give the same episode of every classic task") {
  for (const auto make : {make_pendulum, make_acrobot, make_mountain_car, make_mountain_car_continuous}) {
    const auto one = make(), two = make();
    const bool continuous = one->spec().action_space.choices.empty();
    two->reset(99);
    const Observation first = one->reset(5), second = two->reset(5);
    CHECK(std::equal(first.begin(), first.end(), second.begin(), second.end()));
    for (int i = 0; i < 100; ++i) {
      const float action = continuous ? std::sin(static_cast<float>(i)) : static_cast<float>(i * i % 3);
      const StepResult a = one->step(Action(&action, 1)), b = two->step(Action(&action, 1));
      CHECK(
          std::equal(a.observation.begin(), a.observation.end(), b.observation.begin(), b.observation.end()));
      CHECK(a.reward == b.reward);
    }
  }
}

}  // namespace
}  // namespace genkidama
