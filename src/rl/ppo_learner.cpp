#include "rl/ppo_learner.h"

#include <algorithm>
#include <numeric>

#include "genkidama/rl/returns.h"
#include "rl/tensor_view.h"

namespace genkidama {

void PpoLearner::Steps::clear() {
  observations.clear();
  actions.clear();
  log_probabilities.clear();
  advantages.clear();
  returns.clear();
}

void PpoLearner::Steps::take(const Steps& from, std::size_t row, std::size_t width) {
  const float* observation = from.observations.data() + row * width;
  observations.insert(observations.end(), observation, observation + width);
  actions.push_back(from.actions[row]);
  log_probabilities.push_back(from.log_probabilities[row]);
  advantages.push_back(from.advantages[row]);
  returns.push_back(from.returns[row]);
}

void PpoLearner::learn_segment(const Rollout& rollout) {
  const torch::NoGradGuard no_grad;
  const std::size_t n = rollout.size();
  const auto rows = static_cast<std::int64_t>(n);
  const auto width = static_cast<std::int64_t>(rollout.observations.size() / n);
  const auto output = network_.forward(tensor_view(rollout.observations, {rows, width}));
  const auto chosen = of_chosen(torch::log_softmax(output.logits, -1), rollout.actions).contiguous();
  const auto value = output.value.contiguous();
  const std::span<const float> values(value.data_ptr<float>(), n);

  const std::size_t start = round_.actions.size();
  round_.observations.insert(round_.observations.end(), rollout.observations.begin(),
                             rollout.observations.end());
  round_.actions.insert(round_.actions.end(), rollout.actions.begin(), rollout.actions.end());
  round_.log_probabilities.insert(round_.log_probabilities.end(), chosen.data_ptr<float>(),
                                  chosen.data_ptr<float>() + n);
  round_.advantages.resize(start + n);
  generalised_advantages(rollout.rewards, values, rollout.bootstrap, hyperparameters_.gamma,
                         hyperparameters_.gae_lambda, std::span(round_.advantages).subspan(start));
  for (std::size_t i = 0; i < n; ++i) round_.returns.push_back(round_.advantages[start + i] + values[i]);
}

void PpoLearner::learn_round(Random& random) {
  const std::size_t n = round_.actions.size();
  const std::size_t width = round_.observations.size() / n;
  order_.resize(n);
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  const auto size = static_cast<std::size_t>(hyperparameters_.minibatch_size);
  for (int epoch = 0; epoch < hyperparameters_.epochs; ++epoch) {
    // Fisher and Yates by hand: std::shuffle differs between standard libraries.
    for (std::size_t i = n; i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
    for (std::size_t begin = 0; begin < n; begin += size) {
      minibatch_.clear();
      for (std::size_t i = begin; i < std::min(n, begin + size); ++i)
        minibatch_.take(round_, order_[i], width);
      shared_.apply_gradient(compute(minibatch_));
      shared_.pull();
    }
  }
  round_.clear();
}

LossTerms PpoLearner::compute(const Steps& minibatch) {
  const auto n = static_cast<std::int64_t>(minibatch.actions.size());
  const auto width = static_cast<std::int64_t>(minibatch.observations.size()) / n;
  auto advantage = tensor_view(minibatch.advantages, {n});
  // A lone step has no deviation.
  if (hyperparameters_.normalise_advantages && n > 1) {
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8);
  }
  const auto output = network_.forward(tensor_view(minibatch.observations, {n, width}));
  const auto log_probabilities = torch::log_softmax(output.logits, -1);
  const auto ratio =
      (of_chosen(log_probabilities, minibatch.actions) - tensor_view(minibatch.log_probabilities, {n})).exp();
  const double clip = hyperparameters_.clip_range;
  const auto policy_loss = -torch::min(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage).mean();
  const auto value_loss = (tensor_view(minibatch.returns, {n}) - output.value).square().mean();
  return backpropagate(network_, hyperparameters_, policy_loss, value_loss, mean_entropy(log_probabilities));
}

}  // namespace genkidama
