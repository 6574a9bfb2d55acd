#pragma once

/// @file
/// Which of the library's algorithms take which actions.

#include <string>

#include "genkidama/env/action_space.h"

namespace genkidama {

/// The names of the algorithms that take actions of this space, as in "a3c or ppo".
std::string fitting_algorithms(const ActionSpace& space);

}  // namespace genkidama
