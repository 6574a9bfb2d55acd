#pragma once

// A3C: one optimizer step per segment, while the episode goes on (thesis, section 4.6 and Algorithm 1).

#include <vector>

#include "rl/batch_pass.h"
#include "rl/learner.h"

namespace genkidama {

class A3cLearner : public Learner {
 public:
  A3cLearner(const Hyperparameters& hyperparameters, LocalNetwork& network, GradientSink& sink)
      : hyperparameters_(hyperparameters), network_(network), batch_(hyperparameters, network), sink_(sink) {}

  std::size_t segment_steps() const override { return static_cast<std::size_t>(hyperparameters_.batch_size); }

  /// Loss mean(value_weight (R - V)^2 - log pi(a|s) A - entropy_weight H), A = R - V held constant (GAE when
  /// gae_lambda < 1).
  void learn_segment(const Segment& segment) override;
  void learn_round(Random&) override {}

 private:
  LearningStatistics compute(const Segment& segment);

  Hyperparameters hyperparameters_;
  LocalNetwork& network_;
  BatchPass batch_;
  GradientSink& sink_;
  int segments_since_pull_ = 0;
  std::vector<float> returns_;
  std::vector<float> advantages_;
  std::vector<float> rewards_;
  std::vector<float> policy_gradient_;
};

}  // namespace genkidama
