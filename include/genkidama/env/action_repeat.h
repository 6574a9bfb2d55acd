#pragma once

/// @file
/// Lets an agent decide less often than the environment steps.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Wraps an environment so that one step plays the same action `times` times, or until the episode ends, or
/// until a mask of actions forbids it. The reward is the sum of theirs, and the observation is the last one.
/// Use it where one step of the environment is too short for an action to matter.
///
/// The time limit becomes as many steps as it takes: the old one divided by `times`, rounded up. Everything
/// else stays as it is. Steps are counted as the agent sees them.
///
/// Throws ArgumentError when there is no environment or `times` is not 1 to 1,000.
std::unique_ptr<Environment> make_action_repeat(std::unique_ptr<Environment> environment, int times);

}  // namespace genkidama
