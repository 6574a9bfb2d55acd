#include "genkidama/rl/segment_returns.h"

#include <fmt/format.h>

#include <cstddef>

#include "genkidama/core/error.h"

namespace genkidama {

void scale_rewards(const Segment& segment, const Hyperparameters& hyperparameters,
                   std::vector<float>& scaled) {
  const double scale = hyperparameters.reward_scale * segment.reward_scale;
  scaled.resize(segment.size());
  for (std::size_t t = 0; t < segment.size(); ++t) {
    scaled[t] = static_cast<float>(scale * segment.rewards[t]);
  }
}

float bootstrap_value(const Segment& segment, const Hyperparameters& hyperparameters, LocalNetwork& network,
                      std::span<const float> values) {
  const bool no_future = segment.end == SegmentEnd::kTerminated ||
                         (segment.end == SegmentEnd::kTruncated && !hyperparameters.bootstrap_truncated);
  if (no_future) return 0;
  if (!hyperparameters.bootstrap_next) {
    if (values.size() != segment.size() || values.empty()) {
      throw ArgumentError(
          fmt::format("bootstrap_value: {} values of a segment of {} steps; expected one for each step, "
                      "because bootstrap_next is false",
                      values.size(), segment.size()));
    }
    return values.back();
  }
  if (network.state_size() == 0) return network.policy().value(network.weights(), segment.last_observation);
  return network.recurrent_policy().value(network.weights(), segment.last_observation, segment.last_state);
}

}  // namespace genkidama
