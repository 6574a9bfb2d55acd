#pragma once

/// @file
/// Which of the library's algorithms take which actions and networks.

#include <string>

#include "genkidama/core/export.h"
#include "genkidama/env/action_space.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The names of the algorithms that take actions of this space, as in "a3c or ppo".
std::string fitting_algorithms(const ActionSpace& space);

/// The names of those that learn with a network with memory.
std::string algorithms_with_memory();

}  // namespace genkidama
