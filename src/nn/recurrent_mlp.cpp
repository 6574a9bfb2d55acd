#include "nn/recurrent_mlp.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace genkidama {
namespace {

class RecurrentMlpPolicy final : public RecurrentPolicyFunction {
 public:
  RecurrentMlpPolicy(const MlpShape& shape, const DenseKernels& kernels)
      : trunk_(shape.trunk_stack(), kernels),
        gru_(shape.memory, kernels),
        gru_floats_(shape.memory.floats()),
        policy_(shape.policy_stack(), kernels),
        value_(shape.value_stack(), kernels),
        features_(shape.trunk.empty() ? 0 : static_cast<std::size_t>(shape.trunk.back())),
        state_(shape.memory.units) {}

  void step(std::span<const float> weights, std::span<const float> observations, std::size_t n,
            std::span<float> states, std::span<float> outputs) override {
    const std::size_t observation_size = observations.size() / n, output_count = outputs.size() / n;
    const float* head_weights = weights.data() + trunk_.floats() + gru_floats_;
    for (std::size_t i = 0; i < n; ++i) {
      float* state = states.data() + i * state_.size();
      advance(weights.data(), observations.data() + i * observation_size, state);
      policy_.run(head_weights, state, outputs.data() + i * output_count);
    }
  }

  float value(std::span<const float> weights, std::span<const float> observation,
              std::span<const float> state) override {
    std::copy(state.begin(), state.end(), state_.begin());
    advance(weights.data(), observation.data(), state_.data());
    float result = 0;
    value_.run(weights.data() + trunk_.floats() + gru_floats_ + policy_.floats(), state_.data(), &result);
    return result;
  }

 private:
  void advance(const float* weights, const float* observation, float* state) {
    const float* input = observation;
    if (!features_.empty()) {
      trunk_.run(weights, observation, features_.data());
      input = features_.data();
    }
    gru_.step(weights + trunk_.floats(), input, state);
  }

  SingleStack trunk_;
  SingleGru gru_;
  std::size_t gru_floats_;
  SingleStack policy_;
  SingleStack value_;
  std::vector<float> features_;  ///< what the trunk gives; empty without a trunk
  std::vector<float> state_;
};

class RecurrentMlpGradient final : public SequenceGradientFunction {
 public:
  RecurrentMlpGradient(const MlpShape& shape, const DenseKernels& kernels)
      : trunk_(shape.trunk_stack(), kernels),
        gru_(shape.memory, kernels),
        gru_floats_(shape.memory.floats()),
        policy_(shape.policy_stack(), kernels),
        value_(shape.value_stack(), kernels),
        has_value_(!shape.value.empty()),
        units_(shape.memory.units),
        feature_count_(shape.trunk.empty() ? 0 : static_cast<std::size_t>(shape.trunk.back())) {}

  void forward(std::span<const float> weights, const Sequences& sequences, std::span<float> outputs,
               std::span<float> values, std::span<float> states) override {
    pack(sequences);
    const std::size_t rows = rows_.size();
    gather(sequences.observations, observations_);
    first_states_.resize(order_.size() * units_);
    for (std::size_t i = 0; i < order_.size(); ++i) {
      std::copy_n(sequences.first_states.data() + order_[i] * units_, units_,
                  first_states_.data() + i * units_);
    }
    const float* input = observations_.data();
    if (feature_count_ > 0) {
      features_.resize(rows * feature_count_);
      trunk_.forward(weights.data(), input, rows, features_.data());
      input = features_.data();
    }
    memory_.resize(rows * units_);
    gru_.forward(weights.data() + trunk_.floats(), input, {sizes_, rows}, first_states_.data(),
                 memory_.data());
    packed_outputs_.resize(outputs.size());
    packed_values_.resize(values.size());
    const float* head_weights = weights.data() + trunk_.floats() + gru_floats_;
    policy_.forward(head_weights, memory_.data(), rows, packed_outputs_.data());
    value_.forward(head_weights + policy_.floats(), memory_.data(), rows, packed_values_.data());
    scatter(packed_outputs_, outputs);
    scatter(packed_values_, values);
    if (!states.empty()) scatter(gru_.states_before(), states);
  }

  void backward(std::span<const float> weights, std::span<const float> outputs_gradient,
                std::span<const float> values_gradient, std::span<float> gradient) override {
    const std::size_t gru_at = trunk_.floats(), policy_at = gru_at + gru_floats_,
                      value_at = policy_at + policy_.floats();
    gather(outputs_gradient, packed_outputs_);
    by_memory_.resize(memory_.size());
    by_memory_of_value_.resize(memory_.size());
    policy_.backward(weights.data() + policy_at, packed_outputs_.data(), gradient.data() + policy_at,
                     by_memory_.data());
    gather(values_gradient, packed_values_);
    value_.backward(weights.data() + value_at, packed_values_.data(), gradient.data() + value_at,
                    by_memory_of_value_.data());
    for (std::size_t i = 0; has_value_ && i < by_memory_.size(); ++i) by_memory_[i] += by_memory_of_value_[i];
    by_features_.resize(features_.size());
    gru_.backward(weights.data() + gru_at, by_memory_.data(), gradient.data() + gru_at,
                  feature_count_ > 0 ? by_features_.data() : nullptr);
    if (feature_count_ > 0) trunk_.backward(weights.data(), by_features_.data(), gradient.data());
  }

 private:
  /// The order of time: the longest sequence first, and of all of them the first step, then the second, ...
  void pack(const Sequences& sequences) {
    const auto& lengths = sequences.lengths;
    order_.resize(lengths.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return lengths[a] != lengths[b] ? lengths[a] > lengths[b] : a < b;
    });
    starts_.resize(lengths.size());
    std::exclusive_scan(lengths.begin(), lengths.end(), starts_.begin(), std::size_t{0});
    rows_.clear();
    sizes_.clear();
    for (std::size_t t = 0, size = order_.size(); size > 0; ++t) {
      while (size > 0 && lengths[order_[size - 1]] <= t) --size;
      if (size == 0) break;
      for (std::size_t i = 0; i < size; ++i) rows_.push_back(starts_[order_[i]] + t);
      sizes_.push_back(size);
    }
  }

  /// Rows in the order of time.
  void gather(std::span<const float> from, std::vector<float>& to) const {
    const std::size_t width = rows_.empty() ? 0 : from.size() / rows_.size();
    to.resize(from.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      std::copy_n(from.data() + rows_[i] * width, width, to.data() + i * width);
    }
  }

  /// Rows in the order of the sequences.
  void scatter(std::span<const float> from, std::span<float> to) const {
    const std::size_t width = rows_.empty() ? 0 : from.size() / rows_.size();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      std::copy_n(from.data() + i * width, width, to.data() + rows_[i] * width);
    }
  }

  BatchStack trunk_;
  BatchGru gru_;
  std::size_t gru_floats_;
  BatchStack policy_;
  BatchStack value_;  ///< without layers where no value is asked for
  bool has_value_;
  std::size_t units_;
  std::size_t feature_count_;
  std::vector<std::size_t> order_;   ///< sequences, the longest first
  std::vector<std::size_t> starts_;  ///< first step of each sequence
  std::vector<std::size_t> rows_;    ///< step of each row in the order of time
  std::vector<std::size_t> sizes_;   ///< sequences that have a first step, a second one, ...
  // All of these in the order of time.
  std::vector<float> observations_;
  std::vector<float> first_states_;
  std::vector<float> features_;
  std::vector<float> memory_;  ///< [rows, units_], what the heads see
  std::vector<float> packed_outputs_;
  std::vector<float> packed_values_;
  std::vector<float> by_memory_;
  std::vector<float> by_memory_of_value_;
  std::vector<float> by_features_;
};

}  // namespace

std::unique_ptr<RecurrentPolicyFunction> make_recurrent_mlp_policy(const MlpShape& shape,
                                                                   const DenseKernels& kernels) {
  return std::make_unique<RecurrentMlpPolicy>(shape, kernels);
}

std::unique_ptr<SequenceGradientFunction> make_recurrent_mlp_gradient(const MlpShape& shape,
                                                                      const DenseKernels& kernels) {
  return std::make_unique<RecurrentMlpGradient>(shape, kernels);
}

}  // namespace genkidama
