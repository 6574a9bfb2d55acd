// Your own algorithm: REINFORCE (Williams 1992) with the network's value as its baseline, on whole episodes.
// Its twist: all workers share the running mean and deviation of the returns and learn from normalised ones,
// so that no reward scale has to be found.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "genkidama/env/cart_pole.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/clip_gradient.h"
#include "genkidama/rl/returns.h"
#include "genkidama/run/evaluation.h"

namespace {

class ReinforceLearner : public genkidama::Learner {
 public:
  ReinforceLearner(const genkidama::Hyperparameters& hyperparameters,
                   const genkidama::LearnerContext& context)
      : hyperparameters_(hyperparameters),
        context_(context),
        distribution_(genkidama::action_distribution(context.environment.action_space, hyperparameters)) {}

  // Whole episodes.
  std::size_t segment_steps() const override { return SIZE_MAX; }

  void learn_segment(const genkidama::Segment& episode) override {
    const std::size_t n = episode.size();
    const auto count = static_cast<float>(n);
    returns_.resize(n);
    genkidama::n_step_returns(episode.rewards, 0, hyperparameters_.gamma, returns_);
    normalise_returns();

    genkidama::LocalNetwork& network = context_.network;
    logits_.resize(n * static_cast<std::size_t>(network.spec().policy));
    logits_gradient_.resize(logits_.size());
    values_.resize(n);
    log_probabilities_.resize(n);
    network.evaluate(episode.observations, logits_, values_);
    distribution_->evaluate(logits_, episode.masks, episode.actions, log_probabilities_);

    // The loss is mean(-log pi(a|s) (R - V) + Huber(V - R)) - entropy_weight mean(H).
    genkidama::LearningStatistics statistics;
    by_log_probability_.resize(n);
    by_value_.resize(n);
    for (std::size_t t = 0; t < n; ++t) {
      const float error = values_[t] - returns_[t];
      by_log_probability_[t] = error / count;
      by_value_[t] = std::clamp(error, -1.0F, 1.0F) / count;
      statistics.policy_loss += by_log_probability_[t] * log_probabilities_[t];
      statistics.value_loss += error * error / count;
    }
    const auto by_entropy = static_cast<float>(-hyperparameters_.entropy_weight) / count;
    statistics.entropy = distribution_->backward(by_log_probability_, by_entropy, logits_gradient_);
    network.backpropagate(logits_gradient_, by_value_);
    genkidama::clip_gradient(network.gradient(), hyperparameters_.max_gradient_norm);
    context_.sink.apply(network.gradient(), statistics);
    context_.sink.pull(network.weights());
  }

  // Everything is learnt already.
  void learn_round(genkidama::Random& /*random*/) override {}

 private:
  // Other workers write the shared state at the same time, so its elements are read and written whole.
  void normalise_returns() {
    float& shared_mean = context_.shared_state[0];
    float& shared_square = context_.shared_state[1];
    float mean = genkidama::relaxed_read(shared_mean);
    float square = genkidama::relaxed_read(shared_square);
    for (const float value : returns_) {
      mean += 1e-3F * (value - mean);
      square += 1e-3F * (value * value - square);
    }
    genkidama::relaxed_write(shared_mean, mean);
    genkidama::relaxed_write(shared_square, square);
    const float deviation = std::sqrt(std::max(square - mean * mean, 1e-4F));
    for (float& value : returns_) value = (value - mean) / deviation;
  }

  genkidama::Hyperparameters hyperparameters_;
  genkidama::LearnerContext context_;
  std::unique_ptr<genkidama::ActionDistribution> distribution_;
  std::vector<float> returns_, logits_, logits_gradient_, values_, log_probabilities_;
  std::vector<float> by_log_probability_, by_value_;
};

class Reinforce : public genkidama::Algorithm {
 public:
  explicit Reinforce(const genkidama::Hyperparameters& hyperparameters) : hyperparameters_(hyperparameters) {}

  // What the actions of the environment take, whatever they are, and one value.
  genkidama::NetworkSpec network(const genkidama::EnvironmentSpec& environment) const override {
    return genkidama::actor_critic_network(environment, hyperparameters_);
  }

  // The running mean and mean square of the returns. They are part of every checkpoint.
  std::size_t shared_state_size(std::size_t /*parameters*/) const override { return 2; }

  std::unique_ptr<genkidama::Behaviour> make_behaviour(
      const genkidama::EnvironmentSpec& environment) const override {
    return genkidama::action_behaviour(environment.action_space, hyperparameters_, hyperparameters_.epsilon);
  }

  std::unique_ptr<genkidama::Learner> make_learner(const genkidama::LearnerContext& context) const override {
    return std::make_unique<ReinforceLearner>(hyperparameters_, context);
  }

 private:
  genkidama::Hyperparameters hyperparameters_;
};

}  // namespace

int main() {
  genkidama::OrchestratorOptions options;
  options.workers = 2;
  options.hyperparameters.optimizer = "adam";
  options.hyperparameters.learning_rate = 2e-3;
  options.hyperparameters.weight_decay = 0;
  options.hyperparameters.gamma = 0.99;
  options.hyperparameters.max_gradient_norm = 1;
  options.algorithm = [](const genkidama::Hyperparameters& hyperparameters) {
    return std::make_unique<Reinforce>(hyperparameters);
  };
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, genkidama::mlp_network(), options);

  const double before = genkidama::run::evaluate(trainer, {.episodes = 50}).mean;
  for (int round = 0; round < 600; ++round) trainer.train_round();
  const double after = genkidama::run::evaluate(trainer, {.episodes = 50}).mean;
  fmt::print("mean return {:.0f} before, {:.0f} after {} steps\n", before, after,
             trainer.environment_steps());
  return after > 100 && after > 2 * before ? 0 : 1;
}
