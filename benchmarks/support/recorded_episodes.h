#pragma once

// LunarLander episodes as a policy played them, to be played again without it.

#include <cstdint>
#include <functional>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"

namespace genkidama::benchmarks {

using Policy = std::function<int(Observation, Random&)>;

struct RecordedEpisode {
  std::uint64_t seed = 0;
  std::vector<int> actions;
  std::vector<float> observations;  ///< [actions, observation_size]: what each action was chosen from
};

/// Plays `count` episodes; everything random in them follows from `seed`.
std::vector<RecordedEpisode> record_episodes(Environment& environment, const Policy& policy, int count,
                                             std::uint64_t seed);

/// Plays a recorded episode's actions after its reset.
void replay_actions(Environment& environment, const RecordedEpisode& episode);

}  // namespace genkidama::benchmarks
