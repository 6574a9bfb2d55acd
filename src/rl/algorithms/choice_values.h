#pragma once

// What dqn and qr_dqn have in common: values of the alternatives of one choice.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "genkidama/env/action_space.h"
#include "genkidama/env/environment.h"
#include "genkidama/ipc/replay_sampler.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/hyperparameters.h"

namespace genkidama {

/// The number of alternatives. Throws ArgumentError with the algorithm's name unless the environment takes
/// one choice and nothing else.
int one_choice(const EnvironmentSpec& environment, const char* algorithm);

/// The network with so many outputs for each alternative and so many values, with noisy layers where the
/// hyperparameters say so. Throws as one_choice().
NetworkSpec choice_network(const Hyperparameters& hyperparameters, const EnvironmentSpec& environment,
                           const char* algorithm, int outputs_each, int values);

/// greedy_choice() with exploration_epsilon() of the context's worker.
std::unique_ptr<Behaviour> choice_explorer(const Hyperparameters& hyperparameters,
                                           const ExplorerContext& context, int outputs_each);

/// The alternative with the largest value that the mask allows, the first of several; 0 where nothing is
/// allowed, as behind an episode's end, where nothing counts.
std::size_t best_allowed(std::span<const float> values, ActionMask mask);

/// Fills `chosen` with the alternative after each transition that has the largest value and that its mask
/// allows. `values` is [n, alternatives].
void choose_next(const ReplayBatch& batch, std::span<const float> values, std::vector<std::size_t>& chosen);

}  // namespace genkidama
