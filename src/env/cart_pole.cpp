#include "genkidama/env/cart_pole.h"

#include <cmath>
#include <numbers>

#include "env/classic_control.h"
#include "env/motion_task.h"

namespace genkidama {
namespace {

constexpr double kGravity = 9.8;
constexpr double kPoleMass = 0.1;
constexpr double kTotalMass = 1.0 + kPoleMass;
constexpr double kPoleHalfLength = 0.5;
constexpr double kForce = 10;
constexpr double kStep_s = 0.02;
constexpr double kAngleLimit = 12 * std::numbers::pi / 180;
constexpr double kPositionLimit = 2.4;
constexpr double kInitialRandom = 0.05;

}  // namespace

EnvironmentSpec CartPoleMotion::spec() {
  EnvironmentSpec spec;
  spec.name = "CartPole-v1";
  spec.observation_size = kObservationSize;
  spec.action_count = 2;
  spec.time_limit = 500;
  spec.repeatable = true;
  spec.reward_threshold = 475;
  return spec;
}

void CartPoleMotion::start(Random& random) {
  for (double& value : state) value = random.uniform(-kInitialRandom, kInitialRandom);
}

// Equations of motion: Florian, "Correct equations for the dynamics of the cart-pole system", 2007, without
// friction. Explicit Euler: positions move by the velocities from before the step.
MotionStep CartPoleMotion::advance(Action action) {
  auto& [x, velocity, angle, turn] = state;
  const double force = action[0] != 0 ? kForce : -kForce;
  const double sine = std::sin(angle);
  const double cosine = std::cos(angle);
  const double push = (force + kPoleMass * kPoleHalfLength * turn * turn * sine) / kTotalMass;
  const double angle_acceleration =
      (kGravity * sine - cosine * push) /
      (kPoleHalfLength * (4.0 / 3.0 - kPoleMass * cosine * cosine / kTotalMass));
  const double acceleration = push - kPoleMass * kPoleHalfLength * angle_acceleration * cosine / kTotalMass;
  x += kStep_s * velocity;
  velocity += kStep_s * acceleration;
  angle += kStep_s * turn;
  turn += kStep_s * angle_acceleration;
  return {1, std::abs(x) > kPositionLimit || std::abs(angle) > kAngleLimit};
}

void CartPoleMotion::observe(std::span<float, kObservationSize> observation) const {
  for (std::size_t i = 0; i < state.size(); ++i) observation[i] = static_cast<float>(state[i]);
}

std::unique_ptr<Environment> make_cart_pole() {
  return std::make_unique<MotionTask<CartPoleMotion>>();
}

}  // namespace genkidama
