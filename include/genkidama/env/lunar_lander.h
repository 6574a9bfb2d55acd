#pragma once

/// @file
/// The tasks LunarLander-v2 as gym 0.23.1 defines it and LunarLanderContinuous-v3 as Gymnasium defines it,
/// played on Box2D 2.4. The documentation has a page that compares them with gym.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How many iterations the physics solver makes in each step. Every count is at least 1.
///
/// The contact counts apply while something touches the ground, and in the first three steps, which carry the
/// initial push. gym's 180 iterations do not converge while a leg stands on the ground, and the error that
/// remains is part of the task: with fewer iterations, or with another solver, the task is a different one.
/// In flight far fewer iterations are enough.
struct LunarLanderIterations {
  int contact_velocity;  ///< velocity iterations on the ground
  int contact_position;  ///< position iterations on the ground
  int flight_velocity;   ///< velocity iterations in flight
  int flight_position;   ///< position iterations in flight
};

/// The default: 180 and 60 iterations on the ground, 20 and 5 in flight. As few as 10 and 3 in flight keep
/// gym's statistics too and save up to 0.5 us a step, but come closer to the tolerances.
extern const LunarLanderIterations kFaithfulIterations;
/// gym's own counts, 180 and 60, in every step. The statistics are the same, and a step costs about 1.3 to 3
/// times as much.
extern const LunarLanderIterations kGymIterations;

/// Makes a lander. An observation has eight components, scaled as in gym: x, y, vx, vy, angle, angular
/// velocity, and for the left and the right leg whether it touches the ground (0 or 1). Action 0 does
/// nothing; actions 1, 2 and 3 fire the left orientation engine, the main engine and the right orientation
/// engine. The time limit is gym's 1,000 steps unless `time_limit` says otherwise, and a mean return of 200
/// counts as solved. Throws ArgumentError for an iteration count or a time limit below 1.
std::unique_ptr<Environment> make_lunar_lander(const LunarLanderIterations& iterations = kFaithfulIterations,
                                               int time_limit = 1000);

/// Makes a lander whose engines are throttled. It differs from make_lunar_lander() in the action alone, which
/// has two components in [-1, 1]. The first one is the main engine: off up to 0, and from half power just
/// above 0 to full power at 1. The second one is the side engines: the left one from half power just below
/// -0.5 to full power at -1, the right one likewise above 0.5, both off in between. Both may fire in one
/// step. Fuel costs as much as in make_lunar_lander(), times the power. Throws ArgumentError for an iteration
/// count below 1.
std::unique_ptr<Environment> make_lunar_lander_continuous(
    const LunarLanderIterations& iterations = kFaithfulIterations);

}  // namespace genkidama
