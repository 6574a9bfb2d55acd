#pragma once

// The motions of the classic control tasks: their state, their equations and their rewards, as Gymnasium has
// them. Tests set the state. MotionTask (env/motion_task.h) makes environments of them.

#include <array>
#include <span>

#include "genkidama/core/random.h"
#include "genkidama/env/canvas.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/environment.h"

namespace genkidama {

/// What one step comes to.
struct MotionStep {
  double reward = 0;
  bool terminated = false;
};

/// CartPole-v1. The state is the cart's position and velocity, the pole's angle and its angular velocity.
struct CartPoleMotion {
  static constexpr std::size_t kObservationSize = 4;
  CartPoleOptions constants{};
  static EnvironmentSpec spec();
  void start(Random& random);
  MotionStep advance(Action action);
  void observe(std::span<float, kObservationSize> observation) const;
  void draw(Canvas& canvas) const;

  std::array<double, 4> state{};
  int push = 0;  ///< the direction of the latest force, which is drawn
};

/// Pendulum-v1. The state is the angle, 0 when the pendulum stands upright, and the angular velocity. A
/// torque beyond the bounds acts as the bound.
struct PendulumMotion {
  static constexpr std::size_t kObservationSize = 3;
  static EnvironmentSpec spec();
  void start(Random& random);
  MotionStep advance(Action action);
  void observe(std::span<float, kObservationSize> observation) const;
  void draw(Canvas& canvas) const;

  std::array<double, 2> state{};
  double torque = 0;  ///< the latest one, which is drawn
};

/// Acrobot-v1. The state is the first link's angle, 0 when it hangs down, the second link's angle from the
/// first one's direction, and the two angular velocities.
struct AcrobotMotion {
  static constexpr std::size_t kObservationSize = 6;
  static EnvironmentSpec spec();
  void start(Random& random);
  MotionStep advance(Action action);
  void observe(std::span<float, kObservationSize> observation) const;
  void draw(Canvas& canvas) const;

  std::array<double, 4> state{};
};

/// MountainCar-v0. The state is the car's position and velocity.
struct MountainCarMotion {
  static constexpr std::size_t kObservationSize = 2;
  static EnvironmentSpec spec();
  void start(Random& random);
  MotionStep advance(Action action);
  void observe(std::span<float, kObservationSize> observation) const;
  void draw(Canvas& canvas) const;

  std::array<double, 2> state{};
};

/// MountainCarContinuous-v0. The state is the car's position and velocity, rounded to float after each step.
/// A force beyond the bounds acts as the bound, and costs what it would cost without bounds.
struct MountainCarContinuousMotion {
  static constexpr std::size_t kObservationSize = 2;
  static EnvironmentSpec spec();
  void start(Random& random);
  MotionStep advance(Action action);
  void observe(std::span<float, kObservationSize> observation) const;
  void draw(Canvas& canvas) const;

  std::array<double, 2> state{};
};

}  // namespace genkidama
