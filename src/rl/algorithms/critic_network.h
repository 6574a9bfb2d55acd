#pragma once

// The networks of algorithms that learn how good continuous actions are.

#include <functional>

#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/hyperparameters.h"

namespace genkidama {

/// A policy of `policy` outputs and the critics that the hyperparameters ask for. Throws ArgumentError, with
/// the algorithm's name and those that fit, for a space that is not a bounded box.
NetworkSpec critic_network(const EnvironmentSpec& environment, const Hyperparameters& hyperparameters,
                           int policy, const char* algorithm);

/// Whether the machine has not made the environment steps yet before which nothing is learnt.
std::function<bool()> before_learning(const Hyperparameters& hyperparameters, const ExplorerContext& context);

}  // namespace genkidama
