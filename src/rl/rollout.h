#pragma once

// One segment of an episode, kept in columns.

#include <cstdint>
#include <span>
#include <vector>

namespace genkidama {

struct Rollout {
  std::vector<float> observations;    ///< [n, observation_size], row-major
  std::vector<std::int64_t> actions;  ///< [n]
  std::vector<float> rewards;         ///< [n], scaled for learning
  float bootstrap = 0;                ///< value behind the last step, 0 after a terminal state
  bool ends_episode = false;

  std::size_t size() const { return actions.size(); }

  void clear() {
    observations.clear();
    actions.clear();
    rewards.clear();
    bootstrap = 0;
    ends_episode = false;
  }
};

}  // namespace genkidama
