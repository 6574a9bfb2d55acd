#include "run/watch/watched_episode.h"

namespace genkidama::run {

WatchedEpisode play_watched(Environment& environment, Policy& policy, std::uint64_t seed,
                            const std::function<bool(const WatchedEpisode&)>& on_state) {
  WatchedEpisode episode;
  policy.reset();
  Observation observation = environment.reset(seed);
  while (on_state(episode) && !episode.is_over) {
    const StepResult result = environment.step(policy.act(observation, environment.action_mask()));
    observation = result.observation;
    ++episode.steps;
    episode.episode_return += static_cast<double>(result.reward);
    episode.is_over = result.terminated || result.truncated;
    episode.is_lost = result.lost;
  }
  return episode;
}

}  // namespace genkidama::run
