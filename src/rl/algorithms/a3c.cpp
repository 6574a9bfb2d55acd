// A3C: one optimizer step per segment, while the episode goes on (thesis, section 4.6 and Algorithm 1).

#include <vector>

#include "genkidama/rl/actor_critic_pass.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/rl/returns.h"
#include "genkidama/rl/segment_returns.h"
#include "rl/algorithms/actor_critic_algorithm.h"

namespace genkidama {
namespace {

class A3cLearner final : public Learner {
 public:
  A3cLearner(const Hyperparameters& hyperparameters, const LearnerContext& context)
      : hyperparameters_(hyperparameters),
        network_(context.network),
        sink_(context.sink),
        pass_(hyperparameters, context.network,
              action_distribution(context.environment.action_space, hyperparameters)) {}

  std::size_t segment_steps() const override { return static_cast<std::size_t>(hyperparameters_.batch_size); }

  void learn_segment(const Segment& segment) override {
    const LearningStatistics statistics = compute(segment);
    sink_.apply(network_.gradient(), statistics);
    ++segments_since_pull_;
    if (segment.ends_episode() || segments_since_pull_ == hyperparameters_.pull_every) {
      sink_.pull(network_.weights());
      segments_since_pull_ = 0;
    }
  }

  void learn_round(Random&) override {}

 private:
  LearningStatistics compute(const Segment& segment) {
    const std::size_t n = segment.size();
    pass_.evaluate(segment);
    const auto values = pass_.values();
    const float bootstrap = bootstrap_value(segment, hyperparameters_, network_, values);
    scale_rewards(segment, hyperparameters_, rewards_);
    returns_.resize(n);
    advantages_.resize(n);
    if (hyperparameters_.gae_lambda == 1) {
      n_step_returns(rewards_, bootstrap, hyperparameters_.gamma, returns_);
      for (std::size_t t = 0; t < n; ++t) advantages_[t] = returns_[t] - values[t];
    } else {
      generalised_advantages(rewards_, values, bootstrap, hyperparameters_.gamma, hyperparameters_.gae_lambda,
                             advantages_);
      for (std::size_t t = 0; t < n; ++t) returns_[t] = advantages_[t] + values[t];
    }

    double policy_loss = 0;
    policy_gradient_.resize(n);
    for (std::size_t t = 0; t < n; ++t) {
      policy_gradient_[t] = -advantages_[t] / static_cast<float>(n);
      policy_loss += policy_gradient_[t] * pass_.log_probabilities()[t];
    }
    pass_.set_entropy_weight(scheduled(hyperparameters_.entropy_weight_schedule,
                                       hyperparameters_.entropy_weight, sink_.schedule_done()));
    LearningStatistics statistics = pass_.backpropagate(returns_, policy_gradient_);
    statistics.policy_loss = policy_loss;
    return statistics;
  }

  Hyperparameters hyperparameters_;
  LocalNetwork& network_;
  GradientSink& sink_;
  ActorCriticPass pass_;
  int segments_since_pull_ = 0;
  std::vector<float> rewards_;
  std::vector<float> returns_;
  std::vector<float> advantages_;
  std::vector<float> policy_gradient_;
};

}  // namespace

std::unique_ptr<Algorithm> a3c(const Hyperparameters& hyperparameters) {
  return std::make_unique<ActorCriticAlgorithm<A3cLearner>>(hyperparameters);
}

}  // namespace genkidama
