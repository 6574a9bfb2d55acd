#pragma once

/// @file
/// Holds a user's environment to the contract of Environment at run time.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Wraps an environment and checks what it returns. The library plays every environment through this.
///
/// An ArgumentError names the environment, what it gave and what was expected. It is thrown when the spec has
/// a size, action count or time limit below 1, when an observation has another size than the spec says or
/// holds a value that is not finite, when a reward is not finite, when the metrics at an episode's end are
/// not as many as the spec says or not finite, when a mask of actions has the wrong size, holds another byte
/// than 0 or 1 or forbids every alternative of a choice, and when step() is called with an action that is out
/// of range or masked, or outside an episode. An episode that runs past the time limit is truncated there.
std::unique_ptr<Environment> make_checked(std::unique_ptr<Environment> environment);

}  // namespace genkidama
