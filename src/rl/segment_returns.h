#pragma once

// What a segment's rewards are for learning, and what lies beyond its end.

#include <vector>

#include "genkidama/rl/hyperparameters.h"
#include "genkidama/rl/segment.h"
#include "nn/local_network.h"

namespace genkidama {

/// Fills `scaled` with the rewards times reward_scale.
inline void scale_rewards(const Segment& segment, const Hyperparameters& hyperparameters,
                          std::vector<float>& scaled) {
  scaled.resize(segment.size());
  for (std::size_t t = 0; t < segment.size(); ++t) {
    scaled[t] = static_cast<float>(hyperparameters.reward_scale * segment.rewards[t]);
  }
}

/// The value of the segment's last observation, or 0 where no value lies beyond it.
inline float bootstrap_value(const Segment& segment, const Hyperparameters& hyperparameters,
                             LocalNetwork& network) {
  const bool no_future = segment.end == SegmentEnd::kTerminated ||
                         (segment.end == SegmentEnd::kTruncated && !hyperparameters.bootstrap_truncated);
  return no_future ? 0 : network.policy().value(network.weights(), segment.last_observation);
}

}  // namespace genkidama
