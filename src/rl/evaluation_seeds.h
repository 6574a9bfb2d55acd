#pragma once

// What the episodes of an evaluation begin with, for all who play the same ones.

#include <cstdint>

#include "genkidama/core/random.h"

namespace genkidama {

/// The seed of an episode, numbered from 0, of an evaluation with `seed` (EvaluationRequest::seed).
inline std::uint64_t evaluated_episode_seed(std::uint64_t seed, std::uint64_t episode) {
  constexpr std::uint64_t kEvaluation = 2;
  return derive_seed(seed, {kEvaluation, episode});
}

/// The seed that an episode's sampled actions are drawn with, from the episode's own.
inline std::uint64_t sampled_actions_seed(std::uint64_t episode_seed) {
  constexpr std::uint64_t kActions = 3;
  return derive_seed(episode_seed, {kActions});
}

}  // namespace genkidama
