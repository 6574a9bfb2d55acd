#pragma once

/// @file
/// A segment's scaled rewards, and the value that lies beyond its end.

#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/params/segment.h"
#include "genkidama/rl/hyperparameters.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Fills `scaled` with the segment's rewards times Hyperparameters::reward_scale.
void scale_rewards(const Segment& segment, const Hyperparameters& hyperparameters,
                   std::vector<float>& scaled);

/// Returns the value of the segment's last observation, or 0 where no value lies beyond it: after a terminal
/// state, and also at the time limit unless Hyperparameters::bootstrap_truncated is set. `values` are those
/// of the segment's observations, one for each step. They are needed where Hyperparameters::bootstrap_next is
/// false, and an ArgumentError says so if they are missing then.
float bootstrap_value(const Segment& segment, const Hyperparameters& hyperparameters, LocalNetwork& network,
                      std::span<const float> values = {});

}  // namespace genkidama
