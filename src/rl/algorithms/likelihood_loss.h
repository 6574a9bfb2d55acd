#pragma once

// The imitation of policies that actions are drawn from.

#include <cstddef>
#include <memory>

#include "genkidama/env/action_space.h"
#include "genkidama/rl/behaviour.h"
#include "genkidama/rl/imitation_loss.h"

namespace genkidama {

/// Minus the log-likelihood of the demonstrated actions under action_distribution(), and the squared error of
/// the value, if the network has one. `further_outputs`: policy outputs behind those of the distribution,
/// which stay as they are. `least_deviation`: as CloningOptions::least_deviation.
std::unique_ptr<ImitationLoss> likelihood_loss(const ActionSpace& space, const GaussianOptions& options,
                                               double least_deviation, std::size_t further_outputs = 0);

}  // namespace genkidama
