#include "genkidama/env/mountain_car.h"

#include <algorithm>
#include <cmath>

#include "env/classic_control.h"
#include "env/drawn/classic_control.h"
#include "env/motion_task.h"

namespace genkidama {
namespace {

constexpr double kLeftWall = -1.2;
constexpr double kRightWall = 0.6;
constexpr double kMostSpeed = 0.07;
constexpr double kGravity = 0.0025;
constexpr double kForce = 0.001;
constexpr double kGoal = 0.5;
constexpr double kContinuousForce = 0.0015;
constexpr double kContinuousGoal = 0.45;

void start_in_the_valley(std::array<double, 2>& state, Random& random) {
  state = {random.uniform(-0.6, -0.4), 0};
}

// The valley is sin(3x): Moore, "Efficient Memory-based Learning for Robot Control", 1990. The position moves
// by the new velocity, and the left wall stops the car.
void drive(std::array<double, 2>& state, double force) {
  auto& [position, velocity] = state;
  velocity = std::clamp(velocity + force - kGravity * std::cos(3 * position), -kMostSpeed, kMostSpeed);
  position = std::clamp(position + velocity, kLeftWall, kRightWall);
  if (position == kLeftWall && velocity < 0) velocity = 0;
}

void draw_state(const std::array<double, 2>& state, double goal, Canvas& canvas) {
  drawn::draw(canvas, {.position = state[0], .left_wall = kLeftWall, .right_wall = kRightWall, .goal = goal});
}

void observe_state(const std::array<double, 2>& state, std::span<float, 2> observation) {
  observation[0] = static_cast<float>(state[0]);
  observation[1] = static_cast<float>(state[1]);
}

}  // namespace

EnvironmentSpec MountainCarMotion::spec() {
  EnvironmentSpec spec;
  spec.name = "MountainCar-v0";
  spec.observation_size = kObservationSize;
  spec.action_count = 3;
  spec.time_limit = 200;
  spec.repeatable = true;
  spec.reward_threshold = -110;
  return spec;
}

void MountainCarMotion::start(Random& random) {
  start_in_the_valley(state, random);
}

MotionStep MountainCarMotion::advance(Action action) {
  drive(state, (static_cast<double>(action[0]) - 1) * kForce);
  return {-1, state[0] >= kGoal && state[1] >= 0};
}

void MountainCarMotion::observe(std::span<float, kObservationSize> observation) const {
  observe_state(state, observation);
}

void MountainCarMotion::draw(Canvas& canvas) const {
  draw_state(state, kGoal, canvas);
}

EnvironmentSpec MountainCarContinuousMotion::spec() {
  EnvironmentSpec spec;
  spec.name = "MountainCarContinuous-v0";
  spec.observation_size = kObservationSize;
  spec.action_space.low = {-1};
  spec.action_space.high = {1};
  spec.time_limit = 999;
  spec.repeatable = true;
  spec.reward_threshold = 90;
  return spec;
}

void MountainCarContinuousMotion::start(Random& random) {
  start_in_the_valley(state, random);
}

MotionStep MountainCarContinuousMotion::advance(Action action) {
  const auto force = static_cast<double>(action[0]);
  drive(state, std::clamp(force, -1.0, 1.0) * kContinuousForce);
  const bool is_there = state[0] >= kContinuousGoal && state[1] >= 0;
  for (double& value : state) value = static_cast<float>(value);
  return {(is_there ? 100 : 0) - 0.1 * force * force, is_there};
}

void MountainCarContinuousMotion::observe(std::span<float, kObservationSize> observation) const {
  observe_state(state, observation);
}

void MountainCarContinuousMotion::draw(Canvas& canvas) const {
  draw_state(state, kContinuousGoal, canvas);
}

std::unique_ptr<Environment> make_mountain_car() {
  return std::make_unique<MotionTask<MountainCarMotion>>();
}

std::unique_ptr<Environment> make_mountain_car_continuous() {
  return std::make_unique<MotionTask<MountainCarContinuousMotion>>();
}

}  // namespace genkidama
