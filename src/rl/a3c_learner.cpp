#include "rl/a3c_learner.h"

#include "genkidama/rl/returns.h"
#include "rl/tensor_view.h"

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
  const auto n = static_cast<std::int64_t>(rollout.size());
  const auto width = static_cast<std::int64_t>(rollout.observations.size()) / n;
  returns_.resize(rollout.size());

  const auto output = network_.forward(tensor_view(rollout.observations, {n, width}));
  if (hyperparameters_.gae_lambda == 1) {
    n_step_returns(rollout.rewards, rollout.bootstrap, hyperparameters_.gamma, returns_);
  } else {
    const auto values = output.value.detach().contiguous();
    const std::span<const float> v(values.data_ptr<float>(), rollout.size());
    advantages_.resize(rollout.size());
    generalised_advantages(rollout.rewards, v, rollout.bootstrap, hyperparameters_.gamma,
                           hyperparameters_.gae_lambda, advantages_);
    for (std::size_t i = 0; i < advantages_.size(); ++i) returns_[i] = advantages_[i] + v[i];
  }

  const auto advantage = tensor_view(returns_, {n}) - output.value;
  const auto log_probabilities = torch::log_softmax(output.logits, -1);
  const auto value_loss = advantage.square().mean();
  const auto policy_loss = -(of_chosen(log_probabilities, rollout.actions) * advantage.detach()).mean();
  return backpropagate(network_, hyperparameters_, policy_loss, value_loss, mean_entropy(log_probabilities));
}

}  // namespace genkidama
