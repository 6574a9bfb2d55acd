// QR-DQN: quantiles of the returns of actions, learnt from a replay buffer (Dabney et al. 2018,
// "Distributional Reinforcement Learning with Quantile Regression").

#include <fmt/format.h>

#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/rl/algorithms.h"
#include "rl/algorithms/choice_values.h"
#include "rl/algorithms/huber_loss.h"
#include "rl/algorithms/margin_loss.h"
#include "rl/algorithms/replay_algorithm.h"

namespace genkidama {
namespace {

class QuantileLearner final : public TargetLearner {
 public:
  QuantileLearner(const Hyperparameters& hyperparameters, const LearnerContext& context)
      : TargetLearner(hyperparameters, context),
        quantiles_(static_cast<std::size_t>(hyperparameters.quantiles)),
        actions_(static_cast<std::size_t>(context.network.spec().policy) / quantiles_) {}

 protected:
  LearningStatistics compute(const ReplayBatch& batch, std::span<float> errors, Random& random) override {
    const std::size_t n = batch.size();
    compute_targets(batch, random);
    evaluate(batch.observations, n, random);
    by_outputs_.assign(outputs_.size(), 0.0f);
    double loss = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto action = static_cast<std::size_t>(batch.actions[i]);
      loss += learn_row(i, action, batch.weights[i], static_cast<float>(n));
      errors[i] = mean(quantiles_of(i, action)) - mean(targets_of(i));
    }
    network().backpropagate(by_outputs_, {});
    LearningStatistics statistics;
    statistics.value_loss = loss / static_cast<double>(n);
    return statistics;
  }

 private:
  /// With noise of its own.
  void evaluate(std::span<const float> observations, std::size_t n, Random& random) {
    network().draw_noise(random);
    outputs_.resize(n * actions_ * quantiles_);
    network().evaluate(observations, outputs_, {});
  }

  std::size_t first_output(std::size_t row, std::size_t action) const {
    return (row * actions_ + action) * quantiles_;
  }
  std::span<const float> quantiles_of(std::size_t row, std::size_t action) const {
    return std::span(outputs_).subspan(first_output(row, action), quantiles_);
  }
  std::span<const float> targets_of(std::size_t row) const {
    return std::span(targets_).subspan(row * quantiles_, quantiles_);
  }
  static float mean(std::span<const float> numbers) {
    float sum = 0;
    for (const float number : numbers) sum += number;
    return sum / static_cast<float>(numbers.size());
  }

  /// Fills in the derivatives by the row's quantiles. Returns its loss.
  double learn_row(std::size_t row, std::size_t action, float weight, float n) {
    const auto delta = static_cast<float>(hyperparameters().huber_delta);
    const HuberLoss huber(delta);
    const auto count = static_cast<float>(quantiles_);
    const auto own = quantiles_of(row, action);
    const auto by_own = std::span(by_outputs_).subspan(first_output(row, action), quantiles_);
    double loss = 0;
    for (std::size_t k = 0; k < quantiles_; ++k) {
      const float tau = (static_cast<float>(k) + 0.5f) / count;
      float derivative = 0, sum = 0;
      for (const float target : targets_of(row)) {
        const float difference = target - own[k];
        const float share = difference < 0 ? 1 - tau : tau;
        derivative -= share * huber.derivative(difference);
        sum += share * huber.weighted(1, difference);
      }
      by_own[k] = weight * derivative / (delta * count * n);
      loss += static_cast<double>(weight * sum / (delta * count));
    }
    return loss;
  }

  /// The best action after each transition, by the means of the latest outputs.
  void choose(const ReplayBatch& batch) {
    means_.resize(batch.size() * actions_);
    for (std::size_t k = 0; k < means_.size(); ++k)
      means_[k] = mean(std::span(outputs_).subspan(k * quantiles_, quantiles_));
    choose_next(batch, means_, next_actions_);
  }

  void compute_targets(const ReplayBatch& batch, Random& random) {
    const std::size_t n = batch.size();
    if (hyperparameters().double_q) {
      evaluate(batch.next_observations, n, random);
      choose(batch);
    }
    outputs_.resize(n * actions_ * quantiles_);
    network().draw_noise(random);
    network().evaluate_with(target_weights(), batch.next_observations, outputs_, {});
    if (!hyperparameters().double_q) choose(batch);
    targets_.resize(n * quantiles_);
    for (std::size_t i = 0; i < n; ++i) {
      const auto next = quantiles_of(i, next_actions_[i]);
      for (std::size_t k = 0; k < quantiles_; ++k)
        targets_[i * quantiles_ + k] = batch.rewards[i] + batch.discounts[i] * next[k];
    }
  }

  std::size_t quantiles_, actions_;
  std::vector<float> outputs_;     ///< [n, actions, quantiles]
  std::vector<float> by_outputs_;  ///< the same
  std::vector<float> targets_;     ///< [n, quantiles]
  std::vector<float> means_;       ///< [n, actions]
  std::vector<std::size_t> next_actions_;
};

class QuantileDqn final : public ReplayAlgorithm<QuantileLearner> {
 public:
  explicit QuantileDqn(const Hyperparameters& hyperparameters) : ReplayAlgorithm("qr_dqn", hyperparameters) {
    if (hyperparameters.huber_delta > 0) return;
    throw ArgumentError(
        "huber_delta is 0, with which no quantiles are learnt; expected a number above 0 for qr_dqn");
  }

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    return choice_network(hyperparameters(), environment, name(), hyperparameters().quantiles, 0);
  }

  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec&) const override {
    return greedy_choice({}, hyperparameters().quantiles);
  }

  std::unique_ptr<ImitationLoss> make_imitation_loss(const EnvironmentSpec& environment,
                                                     const CloningOptions& options) const override {
    return margin_loss({one_choice(environment, name()), hyperparameters().quantiles}, options.margin);
  }

  std::unique_ptr<Behaviour> make_explorer(const ExplorerContext& context) const override {
    return choice_explorer(hyperparameters(), context, hyperparameters().quantiles);
  }
};

}  // namespace

std::unique_ptr<Algorithm> qr_dqn(const Hyperparameters& hyperparameters) {
  return std::make_unique<QuantileDqn>(hyperparameters);
}

}  // namespace genkidama
