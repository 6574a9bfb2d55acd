// Soft actor-critic (Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications"), with as many
// critics as REDQ has where these are asked for (Chen et al. 2021).

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "genkidama/rl/algorithms.h"
#include "rl/algorithms/critic_network.h"
#include "rl/algorithms/critic_step.h"
#include "rl/algorithms/likelihood_loss.h"
#include "rl/algorithms/replay_algorithm.h"
#include "rl/algorithms/squashed_sample.h"
#include "rl/behaviour/gaussian_units.h"
#include "rl/behaviour/uniform_start.h"

namespace genkidama {
namespace {

/// The network computes deviations, and actions keep within their bounds.
GaussianOptions policy_options() {
  GaussianOptions options;
  options.state_dependent_deviation = true;
  options.action_bounds = ActionBounds::kTanh;
  return options;
}

/// The policy's outputs are means, log-deviations, and the logarithm of the temperature, which is free.
class SacLearner final : public TargetLearner {
 public:
  SacLearner(const Hyperparameters& given, const LearnerContext& context)
      : TargetLearner(given, context),
        row_(static_cast<std::size_t>(context.network.spec().policy)),
        units_(context.environment.action_space, policy_options()),
        sample_(units_, row_),
        critics_(hyperparameters(), network(), units_),
        target_entropy_(given.target_entropy * static_cast<double>(units_.size())) {}

 protected:
  LearningStatistics compute(const ReplayBatch& batch, std::span<float> errors, Random& random) override {
    compute_targets(batch, random);
    LearningStatistics statistics = learn_policy(batch, random);
    // Last: what a policy's gradient leaves in the critics' part is undefined.
    statistics.value_loss = critics_.learn(batch, targets_, errors);
    return statistics;
  }

 private:
  /// r + gamma^n (min Q'(s', a') - temperature log pi(a'|s')), with a' drawn by the policy of now.
  void compute_targets(const ReplayBatch& batch, Random& random) {
    const std::size_t n = batch.size();
    outputs_.resize(n * row_);
    network().evaluate_with(network().weights(), batch.next_observations, outputs_, {});
    sample_.draw(outputs_, random);
    const auto values =
        critics_.least_values(target_weights(), batch.next_observations, sample_.actions(), n, random);
    const float temperature = std::exp(outputs_.back());
    targets_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const float soft = values[i] - temperature * sample_.log_probabilities()[i];
      targets_[i] = batch.rewards[i] + batch.discounts[i] * soft;
    }
  }

  /// The policy's loss is mean(temperature log pi(a|s) - Q(s, a)), and that of the logarithm of the
  /// temperature is minus its product with mean(log pi(a|s) + target entropy).
  LearningStatistics learn_policy(const ReplayBatch& batch, Random& random) {
    const std::size_t n = batch.size();
    const auto count = static_cast<float>(n);
    network().evaluate(batch.observations, outputs_, {});
    sample_.draw(outputs_, random);
    const float temperature = std::exp(outputs_.back());
    const auto scored =
        critics_.score(batch.observations, sample_.actions(), n, CriticStep::Score::kLeastOrMean);
    by_outputs_.resize(n * row_);
    sample_.backward(scored.by_actions, temperature / count, by_outputs_);
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const float log_probability = sample_.log_probabilities()[i];
      sum += log_probability;
      const auto distance = static_cast<float>(log_probability + target_entropy_);
      by_outputs_[(i + 1) * row_ - 1] = hyperparameters().learn_temperature ? -distance / count : 0;
    }
    network().backpropagate(by_outputs_, {});
    LearningStatistics statistics;
    statistics.entropy = -sum / count;
    statistics.policy_loss = -temperature * statistics.entropy - scored.mean;
    statistics.deviation = sample_.deviation();
    return statistics;
  }

  std::size_t row_;  ///< policy outputs
  GaussianUnits units_;
  SquashedSample sample_;
  CriticStep critics_;
  double target_entropy_;
  std::vector<float> outputs_, by_outputs_;  ///< [n, row_]
  std::vector<float> targets_;
};

class Sac final : public ReplayAlgorithm<SacLearner> {
 public:
  explicit Sac(const Hyperparameters& hyperparameters) : ReplayAlgorithm("sac", hyperparameters) {}

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    const auto width = static_cast<int>(completed(environment).action_space.low.size());
    NetworkSpec spec = critic_network(environment, hyperparameters(), 2 * width + 1, name());
    spec.free = 1;
    spec.free_name = "log_temperature";
    spec.free_start = static_cast<float>(std::log(hyperparameters().temperature));
    return spec;
  }

  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& environment) const override {
    return gaussian(completed(environment).action_space, policy_options());
  }

  std::unique_ptr<ImitationLoss> make_imitation_loss(const EnvironmentSpec& environment,
                                                     const CloningOptions& options) const override {
    return likelihood_loss(completed(environment).action_space, policy_options(), options.least_deviation, 1);
  }

  std::unique_ptr<Behaviour> make_explorer(const ExplorerContext& context) const override {
    return uniform_start(make_behaviour(context.environment), before_learning(hyperparameters(), context),
                         ActionBounds::kTanh);
  }
};

}  // namespace

std::unique_ptr<Algorithm> sac(const Hyperparameters& hyperparameters) {
  return std::make_unique<Sac>(hyperparameters);
}

}  // namespace genkidama
