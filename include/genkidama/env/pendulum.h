#pragma once

/// @file
/// The task Pendulum-v1 with Gymnasium's constants.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Makes a pendulum that has to be swung up and held upright by a motor that is too weak to lift it.
///
/// An observation has three components: the cosine and the sine of the angle, which is 0 upright, and the
/// angular velocity in rad/s, within 8. The action is one torque in [-2, 2]; Gymnasium clips a torque beyond
/// that, here it is an ArgumentError as in every environment. A step costs
/// angle^2 + 0.1 velocity^2 + 0.001 torque^2, with the angle in [-pi, pi]; the reward is that cost's
/// negative. An episode starts at any angle with a velocity within 1. It never terminates, and is truncated
/// after 200 steps. Gymnasium states no reward threshold.
std::unique_ptr<Environment> make_pendulum();

}  // namespace genkidama
