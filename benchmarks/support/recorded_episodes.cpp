#include "support/recorded_episodes.h"

namespace genkidama::benchmarks {

std::vector<RecordedEpisode> record_episodes(Environment& environment, const Policy& policy, int count,
                                             std::uint64_t seed) {
  std::vector<RecordedEpisode> episodes(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    RecordedEpisode& episode = episodes[i];
    episode.seed = derive_seed(seed, {i, 0});
    Random random(derive_seed(seed, {i, 1}));
    StepResult result;
    result.observation = environment.reset(episode.seed);
    while (!result.terminated && !result.truncated) {
      episode.observations.insert(episode.observations.end(), result.observation.begin(),
                                  result.observation.end());
      episode.actions.push_back(policy(result.observation, random));
      result = environment.step(episode.actions.back());
    }
  }
  return episodes;
}

void replay_actions(Environment& environment, const RecordedEpisode& episode) {
  for (const int action : episode.actions) environment.step(action);
}

}  // namespace genkidama::benchmarks
