#include "genkidama/env/acrobot.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "env/classic_control.h"
#include "env/drawn/classic_control.h"
#include "env/motion_task.h"

namespace genkidama {
namespace {

using State = std::array<double, 4>;

constexpr double kGravity = 9.8;
constexpr double kStep_s = 0.2;
constexpr double kLinkLength = 1;
constexpr double kLinkMass = 1;
constexpr double kLinkCentre = 0.5;  ///< from a link's beginning to its centre of mass
constexpr double kLinkInertia = 1;
constexpr double kMostTurn1 = 4 * std::numbers::pi;
constexpr double kMostTurn2 = 9 * std::numbers::pi;
constexpr double kInitialRandom = 0.1;

// Equations of motion: Sutton and Barto, "Reinforcement Learning: An Introduction", 1998, section 11.3.
State change_of(const State& state, double torque) {
  const auto& [angle1, angle2, turn1, turn2] = state;
  constexpr double kCoupling = kLinkMass * kLinkLength * kLinkCentre;
  constexpr double kCentreInertia = kLinkMass * kLinkCentre * kLinkCentre;
  const double sine2 = std::sin(angle2), cosine2 = std::cos(angle2);
  const double d1 = kCentreInertia +
                    kLinkMass * (kLinkLength * kLinkLength + kLinkCentre * kLinkCentre +
                                 2 * kLinkLength * kLinkCentre * cosine2) +
                    2 * kLinkInertia;
  const double d2 =
      kLinkMass * (kLinkCentre * kLinkCentre + kLinkLength * kLinkCentre * cosine2) + kLinkInertia;
  const double phi2 = kLinkMass * kLinkCentre * kGravity * std::cos(angle1 + angle2 - std::numbers::pi / 2);
  const double phi1 = -kCoupling * turn2 * turn2 * sine2 - 2 * kCoupling * turn2 * turn1 * sine2 +
                      (kLinkMass * kLinkCentre + kLinkMass * kLinkLength) * kGravity *
                          std::cos(angle1 - std::numbers::pi / 2) +
                      phi2;
  const double acceleration2 = (torque + d2 / d1 * phi1 - kCoupling * turn1 * turn1 * sine2 - phi2) /
                               (kCentreInertia + kLinkInertia - d2 * d2 / d1);
  const double acceleration1 = -(d2 * acceleration2 + phi1) / d1;
  return {turn1, turn2, acceleration1, acceleration2};
}

State moved(const State& state, double time, const State& change) {
  State there;
  for (std::size_t i = 0; i < there.size(); ++i) there[i] = state[i] + time * change[i];
  return there;
}

// One step of the classic Runge-Kutta method of fourth order.
State after_step(const State& state, double torque) {
  const State k1 = change_of(state, torque);
  const State k2 = change_of(moved(state, kStep_s / 2, k1), torque);
  const State k3 = change_of(moved(state, kStep_s / 2, k2), torque);
  const State k4 = change_of(moved(state, kStep_s, k3), torque);
  State mean;
  for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i];
  return moved(state, kStep_s / 6, mean);
}

double within_half_turn(double angle) {
  while (angle > std::numbers::pi) angle -= 2 * std::numbers::pi;
  while (angle < -std::numbers::pi) angle += 2 * std::numbers::pi;
  return angle;
}

}  // namespace

EnvironmentSpec AcrobotMotion::spec() {
  EnvironmentSpec spec;
  spec.name = "Acrobot-v1";
  spec.observation_size = kObservationSize;
  spec.action_count = 3;
  spec.time_limit = 500;
  spec.repeatable = true;
  spec.reward_threshold = -100;
  return spec;
}

void AcrobotMotion::start(Random& random) {
  for (double& value : state) value = random.uniform(-kInitialRandom, kInitialRandom);
}

MotionStep AcrobotMotion::advance(Action action) {
  state = after_step(state, static_cast<double>(action[0]) - 1);
  auto& [angle1, angle2, turn1, turn2] = state;
  angle1 = within_half_turn(angle1);
  angle2 = within_half_turn(angle2);
  turn1 = std::clamp(turn1, -kMostTurn1, kMostTurn1);
  turn2 = std::clamp(turn2, -kMostTurn2, kMostTurn2);
  // The tip's height above the axle, in lengths of a link.
  const bool is_up = -std::cos(angle1) - std::cos(angle2 + angle1) > 1;
  return {is_up ? 0.0 : -1.0, is_up};
}

void AcrobotMotion::observe(std::span<float, kObservationSize> observation) const {
  const std::array<double, kObservationSize> values{
      std::cos(state[0]), std::sin(state[0]), std::cos(state[1]), std::sin(state[1]), state[2], state[3]};
  for (std::size_t i = 0; i < values.size(); ++i) observation[i] = static_cast<float>(values[i]);
}

void AcrobotMotion::draw(Canvas& canvas) const {
  drawn::draw(canvas, {.angle1 = state[0],
                       .angle2 = state[1],
                       .link_length = kLinkLength,
                       .goal_height = kLinkLength,
                       .step_seconds = kStep_s});
}

std::unique_ptr<Environment> make_acrobot() {
  return std::make_unique<MotionTask<AcrobotMotion>>();
}

}  // namespace genkidama
