#pragma once

/// @file
/// How often a worker explores.

#include <cstdint>

#include "genkidama/core/export.h"
#include "genkidama/rl/hyperparameters.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The chance of a random choice after so many environment steps of the machine: epsilon_steps, first_epsilon
/// and epsilon say how it falls, and epsilon_ladder how far workers are apart. `worker` counts from 0.
double exploration_epsilon(const Hyperparameters& hyperparameters, std::uint64_t environment_steps,
                           int worker, int workers);

}  // namespace genkidama
