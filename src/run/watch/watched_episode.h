#pragma once

/// @file
/// An episode that is played to be looked at: one environment, one policy, this thread.

#include <cstdint>
#include <functional>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/rl/policy.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// How far an episode is.
struct WatchedEpisode {
  int steps = 0;              ///< that were played
  double episode_return = 0;  ///< the sum of the environment's own rewards
  bool is_over = false;       ///< the task or its time limit has ended it
  bool is_lost = false;       ///< the environment failed; is_over is true then
};

/// Plays one episode. `on_state` is called after reset() and after each step, while the environment may be
/// drawn; the episode is left when it returns false. Throws what the environment and the policy throw.
WatchedEpisode play_watched(Environment& environment, Policy& policy, std::uint64_t seed,
                            const std::function<bool(const WatchedEpisode&)>& on_state);

}  // namespace run
}  // namespace genkidama
