#include "rl/algorithms/sequence_dqn.h"

#include <algorithm>
#include <cmath>

#include "rl/algorithms/choice_values.h"
#include "rl/algorithms/huber_loss.h"

namespace genkidama {
namespace {

constexpr float kShareOfLargest = 0.9f;  // Kapturowski et al. 2019

}  // namespace

SequenceDqn::SequenceDqn(const Hyperparameters& hyperparameters, LocalNetwork& network)
    : hyperparameters_(hyperparameters),
      network_(network),
      actions_(static_cast<std::size_t>(network.spec().policy)),
      outputs_(actions_, hyperparameters.dueling),
      of_target_(actions_, hyperparameters.dueling) {}

void SequenceDqn::evaluate(const ReplaySequences& sequences, std::span<const float> target_weights,
                           Random& random) {
  lengths_.clear();
  std::size_t observations = 0;
  for (const std::size_t length : sequences.lengths) {
    lengths_.push_back(length + 1);
    observations += length + 1;
  }
  first_states_.assign(sequences.size() * network_.state_size(), 0.0f);
  outputs_.resize(observations);
  of_target_.resize(observations);
  const Sequences given{sequences.observations, lengths_, first_states_};
  network_.draw_noise(random);
  network_.evaluate_with(target_weights, given, of_target_.outputs(), of_target_.values());
  network_.draw_noise(random);
  network_.evaluate(given, outputs_.outputs(), outputs_.values());
}

/// What the value of a step's action is to be. Its sequence's steps begin at `step_at`, and its observations
/// at `observation_at`.
float SequenceDqn::target(const ReplaySequences& sequences, std::size_t sequence, std::size_t step,
                          std::size_t step_at, std::size_t observation_at) const {
  const std::size_t length = sequences.lengths[sequence];
  const std::size_t end = std::min(length, step + static_cast<std::size_t>(hyperparameters_.n_step));
  double sum = 0, discount = 1;
  for (std::size_t t = step; t < end; ++t) {
    sum += discount * static_cast<double>(sequences.rewards[step_at + t]);
    discount *= hyperparameters_.gamma;
  }
  const auto rewards = static_cast<float>(sum * hyperparameters_.reward_scale);
  if (end == length && sequences.terminated[sequence] != 0) return rewards;
  const std::size_t row = observation_at + end;
  const ActionMask mask =
      sequences.masks.empty() ? ActionMask() : ActionMask(sequences.masks).subspan(row * actions_, actions_);
  const ChoiceOutputs& choosing = hyperparameters_.double_q ? outputs_ : of_target_;
  const std::size_t next = best_allowed(choosing.outputs_of(row), mask);
  return rewards + static_cast<float>(discount) * of_target_.value_of(row, next);
}

LearningStatistics SequenceDqn::compute(const ReplaySequences& sequences,
                                        std::span<const float> target_weights, std::span<float> errors,
                                        Random& random) {
  evaluate(sequences, target_weights, random);
  outputs_.clear_derivatives();
  std::size_t learnt = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) learnt += sequences.lengths[i] - sequences.drawn[i];
  const auto share = 1 / static_cast<float>(learnt);
  const HuberLoss huber(static_cast<float>(hyperparameters_.huber_delta));
  LearningStatistics statistics;
  std::size_t step_at = 0, observation_at = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::size_t length = sequences.lengths[i], drawn = sequences.drawn[i];
    const float weight = sequences.weights[i];
    float largest = 0, sum = 0;
    for (std::size_t t = drawn; t < length; ++t) {
      const auto action = static_cast<std::size_t>(sequences.actions[step_at + t]);
      const std::size_t row = observation_at + t;
      const float error = outputs_.value_of(row, action) - target(sequences, i, t, step_at, observation_at);
      statistics.value_loss += static_cast<double>(huber.weighted(weight, error) * share);
      outputs_.take_back(row, action, weight * huber.derivative(error) * share);
      // A value that is no number must not vanish in the largest one.
      largest = std::abs(error) <= largest ? largest : std::abs(error);
      sum += std::abs(error);
    }
    errors[i] = kShareOfLargest * largest + (1 - kShareOfLargest) * sum / static_cast<float>(length - drawn);
    step_at += length;
    observation_at += length + 1;
  }
  network_.backpropagate(outputs_.by_outputs(), outputs_.by_values());
  return statistics;
}

}  // namespace genkidama
