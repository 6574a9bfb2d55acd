#pragma once

/// @file
/// The task BipedalWalker-v3 as Gymnasium defines it, played on Box2D 2.4. The documentation has a page that
/// compares it with Gymnasium.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Which BipedalWalker is made.
struct BipedalWalkerOptions {
  /// Whether stumps, stairs and pits stand in the way. The task is then BipedalWalkerHardcore-v3, and its
  /// time limit is 2,000 steps instead of 1,600. Default: false, slightly uneven ground.
  bool hardcore = false;
};

/// Makes a walker with a hull and two legs of two parts each. Its task is to reach the far end of the
/// terrain.
///
/// An action has four components in [-1, 1]: hip and knee of the first leg, then of the second leg. The sign
/// is the direction in which the joint's motor turns, the size is the share of its torque.
///
/// An observation has 24 components, scaled as in Gymnasium: angle and angular velocity of the hull, its
/// velocity in x and in y; for each leg angle and speed of the hip, angle and speed of the knee, and whether
/// the lower part touches the ground (0 or 1); then the distances that ten rays of a lidar measure, as shares
/// of their range.
///
/// The reward is the way forward, about 300 for the whole of it, less the tilt of the hull and the torque
/// that was used. A hull that touches the ground, or a walker that leaves the terrain at its left end, ends
/// the episode with -100. A mean return of 300 counts as solved.
std::unique_ptr<Environment> make_bipedal_walker(const BipedalWalkerOptions& options = {});

}  // namespace genkidama
