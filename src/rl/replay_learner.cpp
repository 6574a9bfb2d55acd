#include "genkidama/rl/replay_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/rl/clip_gradient.h"

namespace genkidama {
namespace {

// So that a row without an error is drawn again one day (Schaul et al. 2016).
constexpr float kLeastError = 1e-3f;

ReplaySamplerOptions sampler_options(const Hyperparameters& hyperparameters, int worker) {
  return {.core = hyperparameters.replay == ReplayScope::kLocal ? worker : ReplayBuffer::kAllCores,
          .steps = hyperparameters.n_step,
          .gamma = hyperparameters.gamma,
          .stride = static_cast<std::size_t>(hyperparameters.environments_per_worker),
          .bootstrap_truncated = hyperparameters.bootstrap_truncated};
}

}  // namespace

ReplayLearner::ReplayLearner(const Hyperparameters& hyperparameters, const LearnerContext& context)
    : hyperparameters_(hyperparameters), context_(context) {
  if (context.replay == nullptr) return;
  sampler_.emplace(*context.replay, sampler_options(hyperparameters, context.worker));
  seen_ = context.replay->stored(context.worker);
}

void ReplayLearner::begin_round(const Random& random) {
  random_ = random;
  // Between two rounds a state may have been restored.
  if (context_.replay != nullptr) seen_ = context_.replay->stored(context_.worker);
}

/// All optimizer steps that are due until the worker has stored so many steps.
std::uint64_t ReplayLearner::steps_due(std::uint64_t stored) const {
  return static_cast<std::uint64_t>(static_cast<double>(stored) * hyperparameters_.replay_ratio);
}

bool ReplayLearner::has_enough() const {
  if (sampler_->size() < static_cast<std::size_t>(hyperparameters_.minibatch_size)) return false;
  std::uint64_t stored = 0;
  for (int core = 0; core < context_.replay->cores(); ++core) stored += context_.replay->stored(core);
  return stored >= hyperparameters_.learning_starts;
}

void ReplayLearner::learn_segment(const Segment&) {
  if (!sampler_) {
    throw ArgumentError(
        "the algorithm learns from a replay buffer, and there is none; expected a replay_capacity above 0");
  }
  const std::uint64_t stored = context_.replay->stored(context_.worker);
  const std::uint64_t first = steps_due(seen_), due = steps_due(stored) - first;
  seen_ = stored;
  steps_of_segment_ = 0;
  if (due == 0 || !has_enough()) return;
  while (steps_of_segment_ < due && !context_.sink.out_of_time()) {
    own_step_ = first + steps_of_segment_;
    take_step();
    ++steps_of_segment_;
  }
}

std::optional<double> ReplayLearner::importance_exponent() const {
  if (!(hyperparameters_.priority_exponent > 0)) return {};
  const double first = hyperparameters_.importance_exponent;
  return first + (1 - first) * std::min(context_.sink.schedule_done(), 1.0);
}

float ReplayLearner::priority_of(float error) const {
  if (!is_finite(error)) {
    throw WorkerError(fmt::format(
        "learning diverged: the error of a transition is {}; a lower learning rate or a gradient-norm limit "
        "helps",
        error));
  }
  return std::pow(std::abs(error) + kLeastError, static_cast<float>(hyperparameters_.priorities_exponent()));
}

LearningStatistics ReplayLearner::compute_scaled(ReplayBatch& batch, std::vector<float>& errors) {
  const auto scale = static_cast<float>(hyperparameters_.reward_scale);
  for (float& reward : batch.rewards) reward *= scale;
  errors.assign(batch.size(), 0.0f);
  return compute(batch, errors, random_);
}

LearningStatistics ReplayLearner::learn_minibatch(ReplaySampler& sampler, Random& random) {
  const auto size = static_cast<std::size_t>(hyperparameters_.minibatch_size);
  if (const auto exponent = importance_exponent()) {
    sampler.sample_by_priority(random, size, *exponent, batch_);
  } else {
    sampler.sample(random, size, batch_);
  }
  const LearningStatistics statistics = compute_scaled(batch_, errors_);
  if (hyperparameters_.priorities_exponent() > 0) {
    for (float& error : errors_) error = priority_of(error);
    sampler.write_priorities(batch_, errors_);
  }
  return statistics;
}

void ReplayLearner::apply(LearningStatistics statistics) {
  LocalNetwork& network = context_.network;
  statistics.gradient_norm = clip_gradient(network.gradient(), hyperparameters_.max_gradient_norm);
  context_.sink.apply(network.gradient(), statistics);
  context_.sink.pull(network.weights());
  after_step(context_.sink.policy_version());
}

void ReplayLearner::learn_batch(ReplayBatch& batch, std::vector<float>& errors) {
  apply(compute_scaled(batch, errors));
}

void ReplayLearner::take_step() {
  apply(learn_minibatch(*sampler_, random_));
}

}  // namespace genkidama
