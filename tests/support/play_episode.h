#pragma once

#include <cstdint>

#include "env/episode_record.h"
#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"

namespace genkidama::test {

/// Plays one episode with random actions, and keeps it for comparison bit for bit.
inline EpisodeRecord play_episode(Environment& environment, std::uint64_t seed) {
  Random actions(derive_seed(seed, {99}));
  const auto count = static_cast<std::uint64_t>(environment.spec().action_count);
  EpisodeRecord record;
  record.begin(environment.reset(seed));
  while (!record.over()) record.add(environment.step(static_cast<int>(actions.below(count))));
  return record;
}

}  // namespace genkidama::test
