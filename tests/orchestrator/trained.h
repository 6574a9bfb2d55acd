#pragma once

// What a trainer has learnt.

#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"

namespace genkidama::test {

inline std::vector<float> weights_of(const CoreOrchestrator& trainer) {
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  return weights;
}

/// Over 50 episodes with the likeliest actions.
inline double mean_greedy_return(CoreOrchestrator& trainer) {
  double sum = 0;
  for (const EpisodeResult& episode : trainer.evaluate({.episodes = 50, .greedy = true}))
    sum += episode.episode_return / 50;
  return sum;
}

}  // namespace genkidama::test
