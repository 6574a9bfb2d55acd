#include "genkidama/env/cart_pole.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

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

class CartPole final : public DiscreteEnvironment {
 public:
  CartPole() {
    spec_.name = "CartPole-v1";
    spec_.observation_size = 4;
    spec_.action_count = 2;
    spec_.time_limit = 500;
    spec_.reward_threshold = 475;
  }

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    Random random(seed);
    for (double& value : state_) value = random.uniform(-kInitialRandom, kInitialRandom);
    steps_ = 0;
    return observe();
  }

  StepResult step(int action) override {
    if (action != 0 && action != 1) {
      throw ArgumentError(fmt::format("CartPole-v1: action {} given, expected 0 or 1", action));
    }
    advance(action == 1 ? kForce : -kForce);
    StepResult result;
    result.observation = observe();
    result.reward = 1;
    result.terminated = std::abs(state_[0]) > kPositionLimit || std::abs(state_[2]) > kAngleLimit;
    result.truncated = ++steps_ >= spec_.time_limit && !result.terminated;
    return result;
  }

 private:
  // Equations of motion: Florian, "Correct equations for the dynamics of the cart-pole system", 2007, without
  // friction. Explicit Euler: positions move by the velocities from before the step.
  void advance(double force) {
    auto& [x, velocity, angle, turn] = state_;
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
  }

  Observation observe() {
    for (std::size_t i = 0; i < state_.size(); ++i) observation_[i] = static_cast<float>(state_[i]);
    return observation_;
  }

  EnvironmentSpec spec_;
  std::array<double, 4> state_{};
  std::array<float, 4> observation_{};
  int steps_ = 0;
};

}  // namespace

std::unique_ptr<Environment> make_cart_pole() {
  return std::make_unique<CartPole>();
}

}  // namespace genkidama
