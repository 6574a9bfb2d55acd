// DQN: values of actions, learnt from a replay buffer (Mnih et al. 2015), with a second network's values for
// the targets, chosen by the first one (van Hasselt et al. 2016).

#include <vector>

#include "genkidama/rl/algorithms.h"
#include "rl/algorithms/choice_values.h"
#include "rl/algorithms/huber_loss.h"
#include "rl/algorithms/replay_algorithm.h"

namespace genkidama {
namespace {

class DqnLearner final : public TargetLearner {
 public:
  DqnLearner(const Hyperparameters& hyperparameters, const LearnerContext& context)
      : TargetLearner(hyperparameters, context),
        actions_(static_cast<std::size_t>(context.network.spec().policy)) {}

 protected:
  LearningStatistics compute(const ReplayBatch& batch, std::span<float> errors, Random&) override {
    const std::size_t n = batch.size();
    compute_targets(batch);
    network().evaluate(batch.observations, outputs(n), values(n));
    const HuberLoss huber(static_cast<float>(hyperparameters().huber_delta));
    by_outputs_.assign(n * actions_, 0.0f);
    by_values_.assign(values_.size(), 0.0f);
    double loss = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto action = static_cast<std::size_t>(batch.actions[i]);
      const float error = value_of(i, action) - targets_[i];
      errors[i] = error;
      loss += static_cast<double>(huber.weighted(batch.weights[i], error));
      take_back(i, action, batch.weights[i] * huber.derivative(error) / static_cast<float>(n));
    }
    network().backpropagate(by_outputs_, by_values_);
    LearningStatistics statistics;
    statistics.value_loss = loss / static_cast<double>(n);
    return statistics;
  }

 private:
  std::span<float> outputs(std::size_t n) {
    outputs_.resize(n * actions_);
    return outputs_;
  }
  std::span<float> values(std::size_t n) {
    values_.resize(hyperparameters().dueling ? n : 0);
    return values_;
  }

  /// The value of an action from the latest outputs: with a dueling network V + A - mean(A) (Wang et al.
  /// 2016).
  float value_of(std::size_t row, std::size_t action) const {
    const auto outputs = std::span(outputs_).subspan(row * actions_, actions_);
    if (values_.empty()) return outputs[action];
    float mean = 0;
    for (const float advantage : outputs) mean += advantage / static_cast<float>(actions_);
    return values_[row] + outputs[action] - mean;
  }

  /// From the loss' derivative by an action's value to those by the outputs.
  void take_back(std::size_t row, std::size_t action, float by_value) {
    const auto by_outputs = std::span(by_outputs_).subspan(row * actions_, actions_);
    by_outputs[action] += by_value;
    if (values_.empty()) return;
    by_values_[row] = by_value;
    for (float& by_output : by_outputs) by_output -= by_value / static_cast<float>(actions_);
  }

  void compute_targets(const ReplayBatch& batch) {
    const std::size_t n = batch.size();
    if (hyperparameters().double_q) {
      network().evaluate(batch.next_observations, outputs(n), values(n));
      choose_next(batch, outputs_, next_actions_);
    }
    network().evaluate_with(target_weights(), batch.next_observations, outputs(n), values(n));
    if (!hyperparameters().double_q) choose_next(batch, outputs_, next_actions_);
    targets_.resize(n);
    for (std::size_t i = 0; i < n; ++i)
      targets_[i] = batch.rewards[i] + batch.discounts[i] * value_of(i, next_actions_[i]);
  }

  std::size_t actions_;
  std::vector<float> outputs_;  ///< [n, actions]; values of actions, or advantages
  std::vector<float> values_;   ///< [n] with a dueling network, otherwise empty
  std::vector<float> targets_;
  std::vector<std::size_t> next_actions_;
  std::vector<float> by_outputs_, by_values_;
};

class Dqn final : public ReplayAlgorithm<DqnLearner> {
 public:
  explicit Dqn(const Hyperparameters& hyperparameters) : ReplayAlgorithm("dqn", hyperparameters) {}

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    return {completed(environment).observation_shape, one_choice(environment, name()),
            hyperparameters().dueling ? 1 : 0};
  }

  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec&) const override { return greedy_choice(); }

  std::unique_ptr<Behaviour> make_explorer(const ExplorerContext& context) const override {
    return choice_explorer(hyperparameters(), context, 1);
  }
};

}  // namespace

std::unique_ptr<Algorithm> dqn(const Hyperparameters& hyperparameters) {
  return std::make_unique<Dqn>(hyperparameters);
}

}  // namespace genkidama
