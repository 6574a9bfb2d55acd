#pragma once

/// @file
/// The task Acrobot-v1 (Sutton 1996) with Gymnasium's constants.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Makes two links that hang from an axle. A motor at the joint between them has to swing the tip up to one
/// link's length above the axle.
///
/// An observation has six components: the cosine and the sine of the first link's angle, which is 0 when it
/// hangs down, the cosine and the sine of the second link's angle relative to the first, and both angular
/// velocities in rad/s, within 4 pi and 9 pi. The actions 0, 1 and 2 are the torques -1, 0 and 1. Every step
/// is rewarded with -1, except the last one, which reaches the height and is rewarded with 0. The time limit
/// is 500 steps, and a mean return of -100 counts as solved. An episode starts with every angle and velocity
/// within 0.1.
std::unique_ptr<Environment> make_acrobot();

}  // namespace genkidama
