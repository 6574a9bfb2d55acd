#pragma once

/// @file
/// The tasks MountainCar-v0 and MountainCarContinuous-v0 (Moore 1990) with Gymnasium's constants.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Makes a car in a valley whose engine is too weak for the hill: it has to swing to and fro first.
///
/// An observation has two components: the position in [-1.2, 0.6] and the velocity within 0.07. The actions
/// 0, 1 and 2 push to the left, not at all and to the right. Every step is rewarded with -1. An episode
/// starts at rest at a position in [-0.6, -0.4] and ends at 0.5. The time limit is 200 steps, and a mean
/// return of -110 counts as solved.
std::unique_ptr<Environment> make_mountain_car();

/// Makes the same car with an engine whose force is the action, one number in [-1, 1].
///
/// Gymnasium clips a force beyond that, here it is an ArgumentError as in every environment. A step is
/// rewarded with -0.1 force^2, and the last one with 100 more. The episode ends at 0.45. The time limit is
/// 999 steps, and a mean return of 90 counts as solved.
std::unique_ptr<Environment> make_mountain_car_continuous();

}  // namespace genkidama
