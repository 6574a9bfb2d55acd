#include "rl/model/world_model.h"

#include <algorithm>
#include <cmath>

#include "genkidama/core/is_finite.h"
#include "genkidama/core/random.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/nn/networks.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {
namespace {

constexpr float kInputLimit = 10, kTargetLimit = 30;  // in deviations
constexpr float kLongestGradient = 10;

NetworkSpec spec_of(const WorldModelOptions& options) {
  NetworkSpec spec;
  spec.observation = {static_cast<int>(options.observation + options.actions)};
  spec.policy = static_cast<int>(options.observation + 2);
  spec.values = 0;
  return spec;
}

NetworkFactory factory_of(const WorldModelOptions& options) {
  return mlp_network({.hidden = {options.units, options.units}, .activation = Activation::kSilu});
}

OptimizerOptions adam() {
  OptimizerOptions options;
  options.optimizer = "adam";
  options.weight_decay = 0;
  return options;
}

std::size_t scale_columns(const WorldModelOptions& options) {
  return 2 * options.observation + 1;
}

std::size_t floats_of_member(const Network& network, const SharedOptimizer& optimizer) {
  const std::size_t weights = network.layout().size();
  return 1 + weights + optimizer.state_size(weights);
}

float sigmoid(float x) {
  return 1 / (1 + std::exp(-x));
}

}  // namespace

std::size_t WorldModel::shared_size(const WorldModelOptions& options) {
  const auto network = factory_of(options)(spec_of(options), 0);
  return ModelScale::shared_size(scale_columns(options)) +
         static_cast<std::size_t>(options.members) *
             floats_of_member(*network, *make_shared_optimizer(adam()));
}

WorldModel::WorldModel(std::span<float> shared, const WorldModelOptions& options)
    : options_(options),
      network_(make_network(0)),
      function_(network_->make_gradient_function()),
      optimizer_(make_shared_optimizer(adam())),
      shared_(shared.subspan(ModelScale::shared_size(scale_columns(options)))),
      scale_(shared.first(ModelScale::shared_size(scale_columns(options))), scale_columns(options)),
      member_floats_(floats_of_member(*network_, *optimizer_)),
      gradient_(network_->layout().size()),
      row_(scale_columns(options)) {
  if (!options.is_alone) own_.assign(members(), std::vector<float>(gradient_.size()));
}

std::unique_ptr<Network> WorldModel::make_network(std::uint64_t seed) const {
  return factory_of(options_)(spec_of(options_), seed);
}

std::span<float> WorldModel::shared_weights(std::size_t member) {
  return shared_.subspan(member * member_floats_ + 1, gradient_.size());
}

std::span<float> WorldModel::weights(std::size_t member) {
  return own_.empty() ? shared_weights(member) : std::span(own_[member]);
}

std::span<float> WorldModel::optimizer_state(std::size_t member) {
  return shared_.subspan(member * member_floats_ + 1 + gradient_.size(),
                         member_floats_ - 1 - gradient_.size());
}

void WorldModel::begin_anew(std::size_t member, std::uint64_t seed) {
  const std::vector<float> first = make_network(seed)->first_weights();
  relaxed_store(shared_weights(member), first);
  for (float& each : optimizer_state(member)) relaxed_write(each, 0);
  relaxed_write(shared_[member * member_floats_], 1);
  if (!own_.empty()) own_[member] = first;
}

void WorldModel::start(std::uint64_t seed) {
  // The last member's first float is written last.
  if (read()) return;
  for (std::size_t member = 0; member < members(); ++member) begin_anew(member, derive_seed(seed, {member}));
  has_weights_ = true;
}

bool WorldModel::read() {
  scale_.read();
  has_weights_ = relaxed_read(shared_[(members() - 1) * member_floats_]) > 0;
  for (std::size_t member = 0; member < own_.size() && has_weights_; ++member)
    relaxed_load(shared_weights(member), own_[member]);
  return has_weights_;
}

void WorldModel::compute(std::size_t member, std::span<const float> observations,
                         std::span<const float> actions) {
  const std::size_t n = actions.size(), width = options_.observation + options_.actions;
  inputs_.assign(n * width, 0.0f);
  logits_.resize(n * outputs());
  for (std::size_t i = 0; i < n; ++i) {
    float* input = inputs_.data() + i * width;
    for (std::size_t k = 0; k < options_.observation; ++k)
      input[k] = scale_.to_unit(k, observations[i * options_.observation + k], kInputLimit);
    input[options_.observation + static_cast<std::size_t>(actions[i])] = 1;
  }
  function_->forward(weights(member), inputs_, logits_, {});
}

WorldModel::Errors WorldModel::observe(std::span<const float> before, float action, float reward,
                                       std::span<const float> after) {
  const std::size_t size = options_.observation;
  for (std::size_t k = 0; k < size; ++k) {
    row_[k] = before[k];
    row_[difference_column(k)] = after[k] - before[k];
  }
  row_[reward_column()] = reward;
  scale_.count(row_);
  Errors errors;
  if (!has_weights_) return errors;
  const auto components = static_cast<float>(size + 1);
  for (std::size_t member = 0; member < members(); ++member) {
    compute(member, before, {&action, 1});
    for (std::size_t k = 0; k <= size; ++k) {
      const std::size_t column = size + k;
      const float target = scale_.to_unit(column, row_[column], kTargetLimit);
      const float mean = scale_.mean(column), deviation = scale_.deviation(column);
      if (!(deviation > 0)) continue;
      // What predicting no change says: a difference of 0, and the mean reward.
      const float at_rest = k == size ? 0 : -mean / deviation;
      const float unit = 1 / (1 + at_rest * at_rest) / components;
      const float error = logits_[k] - target, change = target - at_rest;
      errors.model += unit * error * error / static_cast<float>(members());
      if (member == 0) errors.no_change += unit * change * change;
    }
  }
  return errors;
}

float WorldModel::unit_target(const ReplayBatch& batch, std::size_t row, std::size_t output) const {
  const std::size_t at = row * options_.observation + output;
  if (output == options_.observation)
    return scale_.to_unit(reward_column(), batch.rewards[row], kTargetLimit);
  return scale_.to_unit(difference_column(output), batch.next_observations[at] - batch.observations[at],
                        kTargetLimit);
}

/// Of half the mean square of the differences and the reward, and the cross entropy of the end.
void WorldModel::differentiate(const ReplayBatch& batch) {
  const std::size_t n = batch.size(), size = options_.observation;
  by_logits_.resize(logits_.size());
  const auto rows = static_cast<float>(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t first = i * outputs();
    for (std::size_t k = 0; k <= size; ++k) {
      by_logits_[first + k] =
          (logits_[first + k] - unit_target(batch, i, k)) / (rows * static_cast<float>(size + 1));
    }
    const float end = batch.discounts[i] == 0 ? 1.0f : 0.0f;
    by_logits_[first + size + 1] = (sigmoid(logits_[first + size + 1]) - end) / rows;
  }
}

void WorldModel::learn(std::size_t member, const ReplayBatch& batch) {
  compute(member, batch.observations, batch.actions);
  differentiate(batch);
  function_->backward(weights(member), by_logits_, {}, gradient_);
  const double norm = euclidean_norm(gradient_);
  float& steps = shared_[member * member_floats_];
  const float step = relaxed_read(steps);
  if (!is_finite(norm)) return begin_anew(member, derive_seed(static_cast<std::uint64_t>(step), {member}));
  if (norm > kLongestGradient) {
    for (float& each : gradient_) each *= static_cast<float>(kLongestGradient / norm);
  }
  // Beyond 2^24 a float stays what it is, and Adam asks for no more.
  relaxed_write(steps, step + 1);
  const auto number = static_cast<std::uint64_t>(step);
  if (own_.empty()) {
    optimizer_->step_alone(shared_weights(member), gradient_, optimizer_state(member), number,
                           options_.learning_rate);
    return;
  }
  optimizer_->step(shared_weights(member), gradient_, optimizer_state(member), number,
                   options_.learning_rate);
  relaxed_load(shared_weights(member), own_[member]);
}

void WorldModel::predict(std::size_t member, std::span<const float> observations,
                         std::span<const float> actions, Prediction& prediction) {
  compute(member, observations, actions);
  const std::size_t n = actions.size(), size = options_.observation;
  prediction.observations.resize(n * size);
  prediction.rewards.resize(n);
  prediction.ends.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const float* logits = logits_.data() + i * outputs();
    for (std::size_t k = 0; k < size; ++k) {
      const float difference =
          scale_.from_unit(difference_column(k), std::clamp(logits[k], -kTargetLimit, kTargetLimit));
      const float next = observations[i * size + k] + difference;
      // So that steps that follow one another stay where the task is.
      const float reach = kInputLimit * scale_.deviation(k) + std::abs(difference);
      prediction.observations[i * size + k] =
          std::clamp(next, scale_.mean(k) - reach, scale_.mean(k) + reach);
    }
    prediction.rewards[i] =
        scale_.from_unit(reward_column(), std::clamp(logits[size], -kTargetLimit, kTargetLimit));
    prediction.ends[i] = sigmoid(logits[size + 1]);
  }
}

}  // namespace genkidama
