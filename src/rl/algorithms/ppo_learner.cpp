#include "rl/algorithms/ppo_learner.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "genkidama/rl/returns.h"
#include "rl/segment_returns.h"

namespace genkidama {
namespace {

/// To mean 0 and deviation 1 (with n - 1, as LibTorch's std()).
void normalise(std::vector<float>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const float value : values) squares += (value - mean) * (value - mean);
  const double scale = 1 / (std::sqrt(squares / (n - 1)) + 1e-8);
  for (float& value : values) value = static_cast<float>((value - mean) * scale);
}

}  // namespace

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

void PpoLearner::learn_segment(const Segment& segment) {
  const std::size_t n = segment.size();
  batch_.evaluate(segment.observations, n);
  const auto values = batch_.values();
  const float bootstrap = bootstrap_value(segment, hyperparameters_, network_);
  scale_rewards(segment, hyperparameters_, rewards_);

  const std::size_t start = round_.actions.size();
  round_.observations.insert(round_.observations.end(), segment.observations.begin(),
                             segment.observations.end());
  round_.actions.insert(round_.actions.end(), segment.actions.begin(), segment.actions.end());
  round_.advantages.resize(start + n);
  generalised_advantages(rewards_, values, bootstrap, hyperparameters_.gamma, hyperparameters_.gae_lambda,
                         std::span(round_.advantages).subspan(start));
  for (std::size_t t = 0; t < n; ++t) {
    round_.log_probabilities.push_back(batch_.log_probability(t, segment.actions[t]));
    round_.returns.push_back(round_.advantages[start + t] + values[t]);
  }
}

void PpoLearner::learn_round(Random& random) {
  const std::size_t n = round_.actions.size();
  if (n == 0) return;  // the round was cut before the first step
  const std::size_t width = round_.observations.size() / n;
  order_.resize(n);
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  const auto size = static_cast<std::size_t>(hyperparameters_.minibatch_size);
  for (int epoch = 0; epoch < hyperparameters_.epochs && !sink_.out_of_time(); ++epoch) {
    // Fisher and Yates by hand: std::shuffle differs between standard libraries.
    for (std::size_t i = n; i > 1; --i)
      std::swap(order_[i - 1], order_[static_cast<std::size_t>(random.below(i))]);
    for (std::size_t begin = 0; begin < n && !sink_.out_of_time(); begin += size) {
      minibatch_.clear();
      for (std::size_t i = begin; i < std::min(n, begin + size); ++i)
        minibatch_.take(round_, order_[i], width);
      const LearningStatistics statistics = compute(minibatch_);
      sink_.apply(network_.gradient(), statistics);
      sink_.pull(network_.weights());
    }
  }
  round_.clear();
}

LearningStatistics PpoLearner::compute(Steps& minibatch) {
  const std::size_t n = minibatch.actions.size();
  // A lone step has no deviation.
  if (hyperparameters_.normalise_advantages && n > 1) normalise(minibatch.advantages);
  batch_.evaluate(minibatch.observations, n);
  const auto lowest = static_cast<float>(1 - hyperparameters_.clip_range);
  const auto highest = static_cast<float>(1 + hyperparameters_.clip_range);
  double policy_loss = 0;
  policy_gradient_.resize(n);
  for (std::size_t t = 0; t < n; ++t) {
    const float advantage = minibatch.advantages[t];
    const float ratio =
        std::exp(batch_.log_probability(t, minibatch.actions[t]) - minibatch.log_probabilities[t]);
    const float free = ratio * advantage;
    const float clipped = std::clamp(ratio, lowest, highest) * advantage;
    // Where the clipped one is smaller it does not depend on the policy.
    policy_gradient_[t] = free <= clipped ? -free / static_cast<float>(n) : 0;
    policy_loss -= std::min(free, clipped) / static_cast<double>(n);
  }
  return batch_.backpropagate(minibatch.actions, minibatch.returns, policy_gradient_, policy_loss);
}

}  // namespace genkidama
