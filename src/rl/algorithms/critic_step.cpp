#include "rl/algorithms/critic_step.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "rl/algorithms/huber_loss.h"

namespace genkidama {

CriticStep::CriticStep(const Hyperparameters& hyperparameters, LocalNetwork& network,
                       const GaussianUnits& actions)
    : hyperparameters_(hyperparameters),
      network_(network),
      actions_(actions),
      critics_(static_cast<std::size_t>(network.spec().critics)),
      order_(critics_) {}

std::span<float> CriticStep::values(std::size_t n) {
  values_.resize(critics_ * n);
  return values_;
}

std::span<const float> CriticStep::least_values(std::span<const float> weights,
                                                std::span<const float> observations,
                                                std::span<const float> actions, std::size_t n,
                                                Random& random) {
  network_.critics().forward(weights, observations, actions, values(n));
  const auto chosen = std::min(static_cast<std::size_t>(hyperparameters_.target_critics), critics_);
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  for (std::size_t i = 0; chosen < critics_ && i < chosen; ++i) {
    std::swap(order_[i], order_[i + static_cast<std::size_t>(random.below(critics_ - i))]);
  }
  least_.assign(values_.data() + order_[0] * n, values_.data() + (order_[0] + 1) * n);
  for (std::size_t k = 1; k < chosen; ++k) {
    const float* row = values_.data() + order_[k] * n;
    for (std::size_t i = 0; i < n; ++i) least_[i] = std::min(least_[i], row[i]);
  }
  return least_;
}

CriticStep::Scored CriticStep::score(std::span<const float> observations, std::span<const float> actions,
                                     std::size_t n, Score kind) {
  network_.critics().forward(network_.weights(), observations, actions, values(n));
  by_values_.assign(critics_ * n, 0.0f);
  const auto count = static_cast<float>(n);
  double sum = 0;
  if (kind == Score::kLeastOrMean && critics_ > 2) {
    for (const float value : values_) sum += value / static_cast<double>(critics_);
    std::fill(by_values_.begin(), by_values_.end(), -1 / (count * static_cast<float>(critics_)));
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      const bool second = kind == Score::kLeastOrMean && critics_ == 2 && values_[n + i] < values_[i];
      const std::size_t at = second ? n + i : i;
      sum += values_[at];
      by_values_[at] = -1 / count;
    }
  }
  by_actions_.resize(actions.size());
  network_.critics().backward_to_actions(network_.weights(), by_values_, by_actions_);
  return {sum / static_cast<double>(n), by_actions_};
}

double CriticStep::learn(const ReplayBatch& batch, std::span<const float> targets, std::span<float> errors) {
  const std::size_t n = batch.size();
  units_.resize(batch.actions.size());
  for (std::size_t i = 0; i < units_.size(); ++i) {
    units_[i] = actions_.to_unit(i % actions_.size(), batch.actions[i]);
  }
  network_.critics().forward(network_.weights(), batch.observations, units_, values(n));
  by_values_.resize(critics_ * n);
  const HuberLoss huber(static_cast<float>(hyperparameters_.huber_delta));
  std::fill(errors.begin(), errors.end(), 0.0f);
  double loss = 0;
  for (std::size_t k = 0; k < critics_; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      const float error = values_[k * n + i] - targets[i];
      loss += static_cast<double>(huber.weighted(batch.weights[i], error));
      by_values_[k * n + i] = batch.weights[i] * huber.derivative(error) / static_cast<float>(n);
      errors[i] += std::abs(error) / static_cast<float>(critics_);
    }
  }
  network_.critics().backward(network_.weights(), by_values_, network_.gradient());
  return loss / static_cast<double>(n);
}

}  // namespace genkidama
