#include "genkidama/env/pendulum.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "env/classic_control.h"
#include "env/drawn/classic_control.h"
#include "env/motion_task.h"

namespace genkidama {
namespace {

constexpr double kGravity = 10;
constexpr double kMass = 1;
constexpr double kLength = 1;
constexpr double kStep_s = 0.05;
constexpr double kMostTorque = 2;
constexpr double kMostTurn = 8;

// The same direction, within half a turn of upright.
double within_half_turn(double angle) {
  constexpr double kTurn = 2 * std::numbers::pi;
  return angle - kTurn * std::floor((angle + std::numbers::pi) / kTurn);
}

}  // namespace

EnvironmentSpec PendulumMotion::spec() {
  EnvironmentSpec spec;
  spec.name = "Pendulum-v1";
  spec.observation_size = kObservationSize;
  spec.action_space.low = {static_cast<float>(-kMostTorque)};
  spec.action_space.high = {static_cast<float>(kMostTorque)};
  spec.time_limit = 200;
  spec.repeatable = true;
  return spec;
}

void PendulumMotion::start(Random& random) {
  state[0] = random.uniform(-std::numbers::pi, std::numbers::pi);
  state[1] = random.uniform(-1, 1);
  torque = 0;
}

// A thin rod that is driven at one end. The angle moves by the new angular velocity.
MotionStep PendulumMotion::advance(Action action) {
  auto& [angle, turn] = state;
  torque = std::clamp(static_cast<double>(action[0]), -kMostTorque, kMostTorque);
  const double off_upright = within_half_turn(angle);
  const double cost = off_upright * off_upright + 0.1 * turn * turn + 0.001 * torque * torque;
  const double acceleration =
      3 * kGravity / (2 * kLength) * std::sin(angle) + 3 / (kMass * kLength * kLength) * torque;
  turn = std::clamp(turn + acceleration * kStep_s, -kMostTurn, kMostTurn);
  angle += turn * kStep_s;
  return {-cost, false};
}

void PendulumMotion::observe(std::span<float, kObservationSize> observation) const {
  observation[0] = static_cast<float>(std::cos(state[0]));
  observation[1] = static_cast<float>(std::sin(state[0]));
  observation[2] = static_cast<float>(state[1]);
}

void PendulumMotion::draw(Canvas& canvas) const {
  drawn::draw(
      canvas,
      {.angle = state[0], .length = kLength, .torque = torque / kMostTorque, .step_seconds = kStep_s});
}

std::unique_ptr<Environment> make_pendulum() {
  return std::make_unique<MotionTask<PendulumMotion>>();
}

}  // namespace genkidama
