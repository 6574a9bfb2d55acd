#pragma once

/// @file
/// What the library computes for a few observations: an exported policy tests itself with them.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rl/policy_parts.h"
#include "run/export/portable_policy.h"

namespace genkidama::run {

/// Steps of episodes, each array row after row.
struct RecordedSteps {
  /// Steps after which a policy with memory forgets.
  static constexpr std::size_t kEpisode = 8;
  /// Stands in `actions` for a choice that is too close to call.
  static constexpr float kOpen = -1;

  std::size_t count = 0;
  std::vector<float> observations;
  std::vector<std::uint8_t> masks;
  std::vector<float> outputs;
  std::vector<float> actions;  ///< greedy
};

/// Observations are drawn from normal distributions, of the policy's own statistics where it has them. The
/// same policy gives the same steps.
RecordedSteps record_steps(const PortablePolicy& policy, const PolicyParts& parts);

}  // namespace genkidama::run
