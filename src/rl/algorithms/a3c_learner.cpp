#include "rl/algorithms/a3c_learner.h"

#include "genkidama/rl/returns.h"

namespace genkidama {

void A3cLearner::learn_segment(const Rollout& rollout) {
  shared_.apply_gradient(compute(rollout));
  ++segments_since_pull_;
  if (rollout.ends_episode || segments_since_pull_ == hyperparameters_.pull_every) {
    shared_.pull();
    segments_since_pull_ = 0;
  }
}

LossTerms A3cLearner::compute(const Rollout& rollout) {
  const std::size_t n = rollout.size();
  batch_.evaluate(rollout.observations, n);
  const auto values = batch_.values();
  returns_.resize(n);
  advantages_.resize(n);
  if (hyperparameters_.gae_lambda == 1) {
    n_step_returns(rollout.rewards, rollout.bootstrap, hyperparameters_.gamma, returns_);
    for (std::size_t t = 0; t < n; ++t) advantages_[t] = returns_[t] - values[t];
  } else {
    generalised_advantages(rollout.rewards, values, rollout.bootstrap, hyperparameters_.gamma,
                           hyperparameters_.gae_lambda, advantages_);
    for (std::size_t t = 0; t < n; ++t) returns_[t] = advantages_[t] + values[t];
  }

  double policy_loss = 0;
  policy_gradient_.resize(n);
  for (std::size_t t = 0; t < n; ++t) {
    policy_gradient_[t] = -advantages_[t] / static_cast<float>(n);
    policy_loss += policy_gradient_[t] * batch_.log_probability(t, rollout.actions[t]);
  }
  return batch_.backpropagate(rollout.actions, returns_, policy_gradient_, policy_loss);
}

}  // namespace genkidama
