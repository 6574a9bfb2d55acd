#pragma once

/// @file
/// LunarLander-v2 as gym 0.23.1 defines it, on Box2D 2.4.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Solver iterations per step of the physics, each at least 1: while something touches the ground (and in the
/// first three steps, which carry the initial push), and in flight. gym's 180 do not converge while a leg
/// stands, and what they leave is part of the task: fewer, or another solver, make a different one. In flight
/// far fewer do.
struct LunarLanderIterations {
  int contact_velocity;  ///< for velocities, on the ground
  int contact_position;  ///< for positions, on the ground
  int flight_velocity;   ///< for velocities, in flight
  int flight_position;   ///< for positions, in flight
};

/// 180/60 on the ground and 20/5 in flight. Down to 10/3 in flight keeps gym's statistics too and costs up to
/// 0.5 us less; this one keeps further from the tolerances.
extern const LunarLanderIterations kFaithfulIterations;
/// gym's own counts, always: the same statistics at about 1.3 to 3 times the cost of a step.
extern const LunarLanderIterations kGymIterations;

/// Observation (8): x, y, vx, vy, angle, angular velocity, left and right leg contact (0 or 1), scaled as
/// gym's. Actions (4): nothing, left orientation engine, main engine, right orientation engine. Time limit
/// 1,000 steps, solved at a mean return of 200. Throws ArgumentError for an iteration count below 1.
std::unique_ptr<Environment> make_lunar_lander(const LunarLanderIterations& iterations = kFaithfulIterations);

}  // namespace genkidama
