#include "genkidama/rl/segment_returns.h"

#include <cstddef>

namespace genkidama {

void scale_rewards(const Segment& segment, const Hyperparameters& hyperparameters,
                   std::vector<float>& scaled) {
  scaled.resize(segment.size());
  for (std::size_t t = 0; t < segment.size(); ++t) {
    scaled[t] = static_cast<float>(hyperparameters.reward_scale * segment.rewards[t]);
  }
}

float bootstrap_value(const Segment& segment, const Hyperparameters& hyperparameters, LocalNetwork& network) {
  const bool no_future = segment.end == SegmentEnd::kTerminated ||
                         (segment.end == SegmentEnd::kTruncated && !hyperparameters.bootstrap_truncated);
  if (no_future) return 0;
  if (network.state_size() == 0) return network.policy().value(network.weights(), segment.last_observation);
  return network.recurrent_policy().value(network.weights(), segment.last_observation, segment.last_state);
}

}  // namespace genkidama
