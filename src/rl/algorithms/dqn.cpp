// DQN: values of actions, learnt from a replay buffer (Mnih et al. 2015), with a second network's values for
// the targets, chosen by the first one (van Hasselt et al. 2016).

#include <algorithm>
#include <vector>

#include "genkidama/rl/algorithms.h"
#include "rl/algorithms/choice_outputs.h"
#include "rl/algorithms/choice_values.h"
#include "rl/algorithms/huber_loss.h"
#include "rl/algorithms/margin_loss.h"
#include "rl/algorithms/replay_algorithm.h"
#include "rl/algorithms/sequence_dqn.h"

namespace genkidama {
namespace {

class DqnLearner final : public TargetLearner {
 public:
  DqnLearner(const Hyperparameters& hyperparameters, const LearnerContext& context)
      : TargetLearner(hyperparameters, context),
        outputs_(static_cast<std::size_t>(context.network.spec().policy), hyperparameters.dueling),
        of_sequences_(hyperparameters, context.network) {}

 protected:
  LearningStatistics compute(const ReplayBatch& batch, std::span<float> errors, Random& random) override {
    const std::size_t n = batch.size();
    compute_targets(batch, random);
    network().draw_noise(random);
    network().evaluate(batch.observations, outputs_.outputs(), outputs_.values());
    const HuberLoss huber(static_cast<float>(hyperparameters().huber_delta));
    outputs_.clear_derivatives();
    double loss = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto action = static_cast<std::size_t>(batch.actions[i]);
      const float error = outputs_.value_of(i, action) - targets_[i];
      errors[i] = error;
      loss += static_cast<double>(huber.weighted(batch.weights[i], error));
      outputs_.take_back(i, action, batch.weights[i] * huber.derivative(error) / static_cast<float>(n));
    }
    network().backpropagate(outputs_.by_outputs(), outputs_.by_values());
    LearningStatistics statistics;
    statistics.value_loss = loss / static_cast<double>(n);
    return statistics;
  }

  LearningStatistics learn_minibatch(ReplaySampler& sampler, Random& random) override {
    if (network().state_size() == 0) return TargetLearner::learn_minibatch(sampler, random);
    const Hyperparameters& h = hyperparameters();
    const int count = std::max(1, h.minibatch_size / h.sequence_length);
    const auto exponent = importance_exponent();
    sampler.sample_sequences(random, static_cast<std::size_t>(count), static_cast<std::size_t>(h.burn_in),
                             static_cast<std::size_t>(h.sequence_length), exponent, sequences_);
    errors_.assign(sequences_.size(), 0.0f);
    const LearningStatistics statistics =
        of_sequences_.compute(sequences_, target_weights(), errors_, random);
    if (exponent) {
      for (float& error : errors_) error = priority_of(error);
      sampler.write_priorities(sequences_.places, errors_);
    }
    return statistics;
  }

 private:
  /// With noise that is drawn for each network by itself.
  void compute_targets(const ReplayBatch& batch, Random& random) {
    const std::size_t n = batch.size();
    outputs_.resize(n);
    if (hyperparameters().double_q) {
      network().draw_noise(random);
      network().evaluate(batch.next_observations, outputs_.outputs(), outputs_.values());
      choose_next(batch, outputs_.outputs(), next_actions_);
    }
    network().draw_noise(random);
    network().evaluate_with(target_weights(), batch.next_observations, outputs_.outputs(), outputs_.values());
    if (!hyperparameters().double_q) choose_next(batch, outputs_.outputs(), next_actions_);
    targets_.resize(n);
    for (std::size_t i = 0; i < n; ++i)
      targets_[i] = batch.rewards[i] + batch.discounts[i] * outputs_.value_of(i, next_actions_[i]);
  }

  ChoiceOutputs outputs_;
  std::vector<float> targets_;
  std::vector<std::size_t> next_actions_;
  // Of a network with memory.
  SequenceDqn of_sequences_;
  ReplaySequences sequences_;
  std::vector<float> errors_;
};

class Dqn final : public ReplayAlgorithm<DqnLearner> {
 public:
  explicit Dqn(const Hyperparameters& hyperparameters) : ReplayAlgorithm("dqn", hyperparameters) {}

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    return choice_network(hyperparameters(), environment, name(), 1, hyperparameters().dueling ? 1 : 0);
  }

  /// A network with memory learns from sequences.
  bool takes_memory() const override { return true; }

  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec&) const override { return greedy_choice(); }

  std::unique_ptr<ImitationLoss> make_imitation_loss(const EnvironmentSpec& environment,
                                                     const CloningOptions& options) const override {
    return margin_loss({one_choice(environment, name()), 1, hyperparameters().dueling}, options.margin);
  }

  std::unique_ptr<Behaviour> make_explorer(const ExplorerContext& context) const override {
    return choice_explorer(hyperparameters(), context, 1);
  }
};

}  // namespace

std::unique_ptr<Algorithm> dqn(const Hyperparameters& hyperparameters) {
  return std::make_unique<Dqn>(hyperparameters);
}

}  // namespace genkidama
