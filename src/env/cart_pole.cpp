#include "genkidama/env/cart_pole.h"

#include <cmath>
#include <numbers>

#include "env/classic_control.h"
#include "env/drawn/classic_control.h"
#include "env/motion_task.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

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
  push = 0;
}

// Equations of motion: Florian, "Correct equations for the dynamics of the cart-pole system", 2007, without
// friction. Explicit Euler: positions move by the velocities from before the step.
MotionStep CartPoleMotion::advance(Action action) {
  auto& [x, velocity, angle, turn] = state;
  const auto& [half_length, pole_mass, cart_mass, push_force, gravity] = constants;
  const double total_mass = cart_mass + pole_mass;
  push = action[0] != 0 ? 1 : -1;
  const double force = push * push_force;
  const double sine = std::sin(angle);
  const double cosine = std::cos(angle);
  const double thrust = (force + pole_mass * half_length * turn * turn * sine) / total_mass;
  const double angle_acceleration = (gravity * sine - cosine * thrust) /
                                    (half_length * (4.0 / 3.0 - pole_mass * cosine * cosine / total_mass));
  const double acceleration = thrust - pole_mass * half_length * angle_acceleration * cosine / total_mass;
  x += kStep_s * velocity;
  velocity += kStep_s * acceleration;
  angle += kStep_s * turn;
  turn += kStep_s * angle_acceleration;
  return {1, std::abs(x) > kPositionLimit || std::abs(angle) > kAngleLimit};
}

void CartPoleMotion::observe(std::span<float, kObservationSize> observation) const {
  for (std::size_t i = 0; i < state.size(); ++i) observation[i] = static_cast<float>(state[i]);
}

void CartPoleMotion::draw(Canvas& canvas) const {
  drawn::draw(canvas, {.position = state[0],
                       .angle = state[2],
                       .pole_length = 2 * constants.pole_half_length,
                       .position_limit = kPositionLimit,
                       .step_seconds = kStep_s,
                       .push = push});
}

std::unique_ptr<Environment> make_cart_pole() {
  return std::make_unique<MotionTask<CartPoleMotion>>();
}

std::unique_ptr<Environment> make_cart_pole_variant(const CartPoleOptions& options) {
  const auto check = [](const char* field, double value, double least, double most) {
    if (is_finite(value) && value >= least && value <= most) return;
    throw ArgumentError(
        fmt::format("CartPole: {} is {}; expected a number from {:g} to {:g}", field, value, least, most));
  };
  check("pole_half_length", options.pole_half_length, 0.05, 5);
  check("pole_mass", options.pole_mass, 0.001, 10);
  check("cart_mass", options.cart_mass, 0.01, 100);
  check("force", options.force, 0.1, 1000);
  check("gravity", options.gravity, 0.1, 100);
  CartPoleMotion motion;
  motion.constants = options;
  return std::make_unique<MotionTask<CartPoleMotion>>(motion);
}

}  // namespace genkidama
