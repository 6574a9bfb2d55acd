#pragma once

/// @file
/// The policies whose statistics in Gymnasium are known, for the tasks with continuous actions.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"

namespace genkidama::test {

/// Fills the action for an observation. One of them plays one episode: it may have a memory.
using ContinuousPolicy = std::function<void(Observation, Random&, std::span<float>)>;

/// Every component of the action is uniform in [-1, 1].
inline void uniform_action(Observation, Random& random, std::span<float> action) {
  for (float& value : action) value = static_cast<float>(random.uniform(-1, 1));
}

/// The rule of the controller that Gymnasium ships with LunarLanderContinuous: steer towards the middle, hold
/// a height proportional to the distance from it, and once a leg touches only brake.
inline void lunar_lander_continuous_heuristic(Observation state, Random&, std::span<float> action) {
  const double x = state[0], y = state[1], vx = state[2], vy = state[3], angle = state[4], turn = state[5];
  double turn_wanted = 0;
  double climb_wanted = -0.5 * vy;
  if (state[6] == 0 && state[7] == 0) {
    turn_wanted = 0.5 * (std::clamp(0.5 * x + vx, -0.4, 0.4) - angle) - turn;
    climb_wanted = 0.5 * (0.55 * std::abs(x) - y) - 0.5 * vy;
  }
  action[0] = static_cast<float>(std::clamp(20 * climb_wanted - 1, -1.0, 1.0));
  action[1] = static_cast<float>(std::clamp(-20 * turn_wanted, -1.0, 1.0));
}

/// The rule of the controller that Gymnasium ships with BipedalWalker: one leg carries while the other one
/// swings, the swinging leg is put down, the leg behind pushes off, and the legs change their parts.
class BipedalWalkerHeuristic {
 public:
  void operator()(Observation state, Random&, std::span<float> action) {
    const Leg swinging(state, swinging_), carrying(state, 1 - swinging_);
    const double forward = state[2];
    std::array<std::optional<double>, 2> hip, knee;  // the angles that are wanted, by leg
    const auto swing = static_cast<std::size_t>(swinging_), carry = 1 - swing;
    if (phase_ == kSwing) {
      hip[swing] = 1.1;
      knee[swing] = -0.6;
      carrying_knee_ += forward > kSpeed ? 0.06 : 0.03;
      carrying_knee_ = std::min(carrying_knee_, kCarryingKnee);
      knee[carry] = carrying_knee_;
      if (carrying.hip < 0.1) phase_ = kPutDown;
    }
    if (phase_ == kPutDown) {
      hip[swing] = 0.1;
      knee[swing] = kCarryingKnee;
      knee[carry] = carrying_knee_;
      if (swinging.on_ground) {
        phase_ = kPushOff;
        carrying_knee_ = std::min(swinging.knee, kCarryingKnee);
      }
    }
    if (phase_ == kPushOff) {
      knee[swing] = carrying_knee_;
      knee[carry] = 1.0;
      if (carrying.knee > 0.88 || forward > 1.2 * kSpeed) {
        phase_ = kSwing;
        swinging_ = 1 - swinging_;
      }
    }
    const double upright = 0.9 * state[0] + 1.5 * state[1];
    const double damping = 15.0 * state[3];
    for (std::size_t leg = 0; leg < 2; ++leg) {
      const Leg now(state, static_cast<int>(leg));
      const double hip_torque = wanted(hip[leg]) ? 0.9 * (*hip[leg] - now.hip) - 0.25 * now.hip_speed : 0;
      const double knee_torque = wanted(knee[leg]) ? 4 * (*knee[leg] - now.knee) - 0.25 * now.knee_speed : 0;
      action[2 * leg] = torque(hip_torque + upright);
      action[2 * leg + 1] = torque(knee_torque - damping);
    }
  }

 private:
  enum Phase { kSwing, kPutDown, kPushOff };

  struct Leg {
    Leg(Observation state, int index)
        : hip(state[4 + 5 * index]),
          hip_speed(state[5 + 5 * index]),
          knee(state[6 + 5 * index]),
          knee_speed(state[7 + 5 * index]),
          on_ground(state[8 + 5 * index] != 0) {}
    double hip, hip_speed, knee, knee_speed;
    bool on_ground;
  };

  // Gymnasium's rule takes an angle of exactly 0 for none.
  static bool wanted(const std::optional<double>& angle) { return angle.value_or(0) != 0; }
  static float torque(double value) { return static_cast<float>(std::clamp(0.5 * value, -1.0, 1.0)); }

  static constexpr double kSpeed = 0.29;
  static constexpr double kCarryingKnee = 0.1;

  Phase phase_ = kSwing;
  int swinging_ = 0;
  double carrying_knee_ = kCarryingKnee;
};

/// A new policy for one episode, by its name in the oracle file of the environment's task.
inline ContinuousPolicy gymnasium_policy(const std::string& name, const EnvironmentSpec& spec) {
  if (name == "uniform") return uniform_action;
  if (name == "heuristic" && spec.name.starts_with("LunarLander")) return lunar_lander_continuous_heuristic;
  if (name == "heuristic" && spec.name.starts_with("BipedalWalker")) return BipedalWalkerHeuristic();
  throw ArgumentError("no policy '" + name + "' is known for " + spec.name);
}

}  // namespace genkidama::test
