#include "genkidama/rl/actor_critic_pass.h"

#include <utility>

#include "genkidama/rl/clip_gradient.h"

namespace genkidama {
namespace {

/// 1 - Var(R - V) / Var(R): 1 where the values tell the returns exactly, 0 where they tell nothing; 0 where
/// all returns are alike.
double explained_variance(std::span<const float> returns, std::span<const float> values) {
  double mean = 0, mean_error = 0;
  const auto n = static_cast<double>(returns.size());
  for (std::size_t t = 0; t < returns.size(); ++t) {
    mean += returns[t] / n;
    mean_error += (returns[t] - values[t]) / n;
  }
  double variance = 0, error_variance = 0;
  for (std::size_t t = 0; t < returns.size(); ++t) {
    const double distance = returns[t] - mean;
    const double error = returns[t] - values[t] - mean_error;
    variance += distance * distance;
    error_variance += error * error;
  }
  return variance > 0 ? 1 - error_variance / variance : 0;
}

}  // namespace

ActorCriticPass::ActorCriticPass(const Hyperparameters& hyperparameters, LocalNetwork& network,
                                 std::unique_ptr<ActionDistribution> distribution)
    : hyperparameters_(hyperparameters),
      network_(network),
      distribution_(std::move(distribution)),
      output_count_(static_cast<std::size_t>(network.spec().policy)) {}

void ActorCriticPass::evaluate(std::span<const float> observations, std::span<const float> actions,
                               ActionMask masks, std::size_t n) {
  outputs_.resize(n * output_count_);
  log_probabilities_.resize(n);
  values_.resize(n);
  network_.evaluate(observations, outputs_, values_);
  distribution_->evaluate(outputs_, masks, actions, log_probabilities_);
}

void ActorCriticPass::evaluate(const Segment& segment, std::span<float> states) {
  segment_size_ = segment.size();
  if (network_.state_size() == 0) {
    return evaluate(segment.observations, segment.actions, segment.masks, segment_size_);
  }
  evaluate({segment.observations, {&segment_size_, 1}, segment.first_state}, segment.actions, segment.masks,
           states);
}

void ActorCriticPass::evaluate(const Sequences& sequences, std::span<const float> actions, ActionMask masks,
                               std::span<float> states) {
  const std::size_t n = sequences.steps();
  outputs_.resize(n * output_count_);
  log_probabilities_.resize(n);
  values_.resize(n);
  network_.evaluate(sequences, outputs_, values_, states);
  distribution_->evaluate(outputs_, masks, actions, log_probabilities_);
}

LearningStatistics ActorCriticPass::backpropagate(std::span<const float> returns,
                                                  std::span<const float> policy_gradient) {
  const std::size_t n = values_.size();
  const auto share = 1 / static_cast<float>(n);
  const auto value_scale = static_cast<float>(2 * hyperparameters_.value_weight) * share;
  const auto entropy_scale = static_cast<float>(hyperparameters_.entropy_weight) * share;
  outputs_gradient_.resize(outputs_.size());
  values_gradient_.resize(n);
  LearningStatistics statistics;
  statistics.entropy = distribution_->backward(policy_gradient, -entropy_scale, outputs_gradient_);
  for (std::size_t t = 0; t < n; ++t) {
    const float error = values_[t] - returns[t];
    values_gradient_[t] = value_scale * error;
    statistics.value_loss += static_cast<double>(error) * error / static_cast<double>(n);
  }
  statistics.explained_variance = explained_variance(returns, values_);
  network_.backpropagate(outputs_gradient_, values_gradient_);
  clip_gradient(network_.gradient(), hyperparameters_.max_gradient_norm);
  return statistics;
}

}  // namespace genkidama
