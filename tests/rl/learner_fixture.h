#pragma once

// What the learners' tests share: a small task's steps, and a stand-in for the shared weights.

#include <cstdint>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/nn/networks.h"
#include "nn/local_network.h"
#include "rl/learner.h"

namespace genkidama::test {

inline const EnvironmentSpec kSpec{"test", 3, 4, 100};

inline Rollout random_rollout(std::size_t steps, Random& random) {
  Rollout rollout;
  for (std::size_t i = 0; i < steps; ++i) {
    for (int k = 0; k < kSpec.observation_size; ++k) {
      rollout.observations.push_back(static_cast<float>(random.uniform(-1, 1)));
    }
    rollout.actions.push_back(static_cast<std::int64_t>(random.below(4)));
    rollout.rewards.push_back(static_cast<float>(random.uniform(-1, 1)));
  }
  rollout.bootstrap = 0.7f;
  return rollout;
}

/// Keeps what a learner does, instead of shared memory.
class Recorder : public SharedWeights {
 public:
  explicit Recorder(LocalNetwork& network) : network_(network) {}
  void apply_gradient(const LossTerms& given) override {
    terms = given;
    gradient.assign(network_.gradient().begin(), network_.gradient().end());
    ++steps;
  }
  void pull() override { ++pulls; }
  LossTerms terms;
  std::vector<float> gradient;
  int steps = 0;
  int pulls = 0;

 private:
  LocalNetwork& network_;
};

}  // namespace genkidama::test
