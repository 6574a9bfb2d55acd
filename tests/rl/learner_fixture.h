#pragma once

// What the learners' tests share: a small task's steps, and a stand-in for the shared weights.

#include <cstdint>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/nn/networks.h"
#include "genkidama/rl/algorithms.h"

namespace genkidama::test {

inline const EnvironmentSpec kEnvironment = completed({"test", 3, 4, 100});
inline const NetworkSpec kSpec = actor_critic_network(kEnvironment);

inline Segment random_segment(std::size_t steps, Random& random) {
  Segment segment;
  const auto observe = [&random](std::vector<float>& into) {
    for (int k = 0; k < kEnvironment.observation_size; ++k)
      into.push_back(static_cast<float>(random.uniform(-1, 1)));
  };
  for (std::size_t i = 0; i < steps; ++i) {
    observe(segment.observations);
    segment.actions.push_back(static_cast<float>(random.below(4)));
    segment.rewards.push_back(static_cast<float>(random.uniform(-1, 1)));
  }
  observe(segment.last_observation);
  return segment;
}

/// The value of what follows a segment that does not end its episode.
inline float value_beyond(LocalNetwork& network, const Segment& segment) {
  return network.policy().value(network.weights(), segment.last_observation);
}

/// Keeps what a learner does, instead of shared memory.
class Recorder : public GradientSink {
 public:
  void apply(std::span<const float> given, const LearningStatistics& of_step) override {
    statistics = of_step;
    gradient.assign(given.begin(), given.end());
    ++steps;
  }
  void pull(std::span<float>) override { ++pulls; }
  std::uint64_t policy_version() const override { return 0; }
  double schedule_done() const override { return done; }

  LearningStatistics statistics;
  std::vector<float> gradient;
  int steps = 0;
  int pulls = 0;
  double done = 0;  ///< of the schedules
};

inline std::unique_ptr<Learner> learner_of(const Algorithm& algorithm, LocalNetwork& network,
                                           GradientSink& sink) {
  return algorithm.make_learner(
      {.environment = kEnvironment, .network = network, .sink = sink, .shared_state = {}, .replay = nullptr});
}

}  // namespace genkidama::test
