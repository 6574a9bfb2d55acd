#include "rl/algorithms/a3c_learner.h"

#include "genkidama/rl/returns.h"
#include "rl/segment_returns.h"

namespace genkidama {

void A3cLearner::learn_segment(const Segment& segment) {
  const LearningStatistics statistics = compute(segment);
  sink_.apply(network_.gradient(), statistics);
  ++segments_since_pull_;
  if (segment.ends_episode() || segments_since_pull_ == hyperparameters_.pull_every) {
    sink_.pull(network_.weights());
    segments_since_pull_ = 0;
  }
}

LearningStatistics A3cLearner::compute(const Segment& segment) {
  const std::size_t n = segment.size();
  batch_.evaluate(segment.observations, n);
  const auto values = batch_.values();
  const float bootstrap = bootstrap_value(segment, hyperparameters_, network_);
  scale_rewards(segment, hyperparameters_, rewards_);
  returns_.resize(n);
  advantages_.resize(n);
  if (hyperparameters_.gae_lambda == 1) {
    n_step_returns(rewards_, bootstrap, hyperparameters_.gamma, returns_);
    for (std::size_t t = 0; t < n; ++t) advantages_[t] = returns_[t] - values[t];
  } else {
    generalised_advantages(rewards_, values, bootstrap, hyperparameters_.gamma, hyperparameters_.gae_lambda,
                           advantages_);
    for (std::size_t t = 0; t < n; ++t) returns_[t] = advantages_[t] + values[t];
  }

  double policy_loss = 0;
  policy_gradient_.resize(n);
  for (std::size_t t = 0; t < n; ++t) {
    policy_gradient_[t] = -advantages_[t] / static_cast<float>(n);
    policy_loss += policy_gradient_[t] * batch_.log_probability(t, segment.actions[t]);
  }
  return batch_.backpropagate(segment.actions, returns_, policy_gradient_, policy_loss);
}

}  // namespace genkidama
