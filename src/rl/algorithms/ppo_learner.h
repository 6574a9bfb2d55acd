#pragma once

// PPO: several epochs of minibatches over all of a round's steps, each an update of the shared weights.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rl/batch_pass.h"
#include "rl/learner.h"

namespace genkidama {

class PpoLearner : public Learner {
 public:
  PpoLearner(const Hyperparameters& hyperparameters, LocalNetwork& network, GradientSink& sink)
      : hyperparameters_(hyperparameters), network_(network), batch_(hyperparameters, network), sink_(sink) {}

  /// Whole episodes: nothing is learned, and so nothing pulled, before the round's end.
  std::size_t segment_steps() const override { return SIZE_MAX; }
  /// Keeps the segment with its GAE advantages and the probabilities its actions had when they were chosen.
  void learn_segment(const Segment& segment) override;
  /// Loss mean(-min(r A, clip(r, 1 - c, 1 + c) A) + value_weight (R - V)^2 - entropy_weight H), r the
  /// probability ratio, over shuffled minibatches.
  void learn_round(Random& random) override;

 private:
  /// Steps in columns, all of one round or of one minibatch.
  struct Steps {
    std::vector<float> observations;  ///< [n, observation_size]
    std::vector<float> actions;
    std::vector<float> log_probabilities;
    std::vector<float> advantages;
    std::vector<float> returns;
    void clear();
    void take(const Steps& from, std::size_t row, std::size_t width);
  };

  LearningStatistics compute(Steps& minibatch);

  Hyperparameters hyperparameters_;
  LocalNetwork& network_;
  BatchPass batch_;
  GradientSink& sink_;
  Steps round_;
  Steps minibatch_;
  std::vector<std::size_t> order_;
  std::vector<float> rewards_;
  std::vector<float> policy_gradient_;
};

}  // namespace genkidama
