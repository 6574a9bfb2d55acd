#include "genkidama/nn/free_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "nn/noisy_layers.h"

namespace genkidama {
namespace {

/// How a row of outputs is divided.
struct Outputs {
  std::size_t bound;  ///< those that follow from the observation
  std::size_t free;

  std::size_t width() const { return bound + free; }
};

/// Weights of the network, and the free outputs behind them.
std::span<const float> bound_weights(std::span<const float> weights, const Outputs& outputs) {
  return weights.first(weights.size() - outputs.free);
}

/// Rows of outputs: those of the network, and behind them the free ones.
void widen(const Outputs& outputs, std::span<const float> bound, std::span<const float> free,
           std::span<float> rows) {
  for (std::size_t i = 0; i * outputs.width() < rows.size(); ++i) {
    float* row =
        std::copy_n(bound.data() + i * outputs.bound, outputs.bound, rows.data() + i * outputs.width());
    std::copy(free.begin(), free.end(), row);
  }
}

/// The way back: the derivatives by the network's outputs, row by row, and the sums of those by the free
/// ones.
void divide(const Outputs& outputs, std::span<const float> by_rows, std::vector<float>& by_bound,
            std::span<float> by_free) {
  std::fill(by_free.begin(), by_free.end(), 0.0f);
  const std::size_t n = by_rows.size() / outputs.width();
  by_bound.resize(n * outputs.bound);
  for (std::size_t i = 0; i < n; ++i) {
    const float* row = by_rows.data() + i * outputs.width();
    std::copy_n(row, outputs.bound, by_bound.data() + i * outputs.bound);
    for (std::size_t k = 0; k < outputs.free; ++k) by_free[k] += row[outputs.bound + k];
  }
}

class FreePolicyFunction final : public PolicyFunction {
 public:
  FreePolicyFunction(std::unique_ptr<PolicyFunction> inner, Outputs outputs)
      : inner_(std::move(inner)), outputs_(outputs) {}

  void logits(std::span<const float> weights, std::span<const float> observation,
              std::span<float> logits) override {
    inner_->logits(bound_weights(weights, outputs_), observation, logits.first(outputs_.bound));
    const auto free = weights.last(outputs_.free);
    std::copy(free.begin(), free.end(), logits.data() + outputs_.bound);
  }

  void logits_of_batch(std::span<const float> weights, std::span<const float> observations, std::size_t n,
                       std::span<float> logits) override {
    bound_.resize(n * outputs_.bound);
    inner_->logits_of_batch(bound_weights(weights, outputs_), observations, n, bound_);
    widen(outputs_, bound_, weights.last(outputs_.free), logits);
  }

  float value(std::span<const float> weights, std::span<const float> observation) override {
    return inner_->value(bound_weights(weights, outputs_), observation);
  }

  void keep_weights() override { inner_->keep_weights(); }

 private:
  std::unique_ptr<PolicyFunction> inner_;
  Outputs outputs_;
  std::vector<float> bound_;  ///< [n, outputs_.bound]
};

class FreeGradientFunction final : public GradientFunction {
 public:
  FreeGradientFunction(std::unique_ptr<GradientFunction> inner, Outputs outputs)
      : inner_(std::move(inner)), outputs_(outputs) {}

  void forward(std::span<const float> weights, std::span<const float> observations, std::span<float> logits,
               std::span<float> values) override {
    bound_.resize(logits.size() / outputs_.width() * outputs_.bound);
    inner_->forward(bound_weights(weights, outputs_), observations, bound_, values);
    widen(outputs_, bound_, weights.last(outputs_.free), logits);
  }

  void backward(std::span<const float> weights, std::span<const float> logits_gradient,
                std::span<const float> values_gradient, std::span<float> gradient) override {
    const std::size_t inner_size = weights.size() - outputs_.free;
    divide(outputs_, logits_gradient, bound_gradient_, gradient.subspan(inner_size));
    inner_->backward(weights.first(inner_size), bound_gradient_, values_gradient, gradient.first(inner_size));
  }

 private:
  std::unique_ptr<GradientFunction> inner_;
  Outputs outputs_;
  std::vector<float> bound_;           ///< [n, outputs_.bound], of the latest forward()
  std::vector<float> bound_gradient_;  ///< the same, of the latest backward()
};

class FreeCriticFunction final : public CriticFunction {
 public:
  FreeCriticFunction(std::unique_ptr<CriticFunction> inner, Outputs outputs)
      : inner_(std::move(inner)), outputs_(outputs) {}

  void forward(std::span<const float> weights, std::span<const float> observations,
               std::span<const float> actions, std::span<float> values) override {
    inner_->forward(bound_weights(weights, outputs_), observations, actions, values);
  }
  void backward(std::span<const float> weights, std::span<const float> by_values,
                std::span<float> gradient) override {
    inner_->backward(bound_weights(weights, outputs_), by_values,
                     gradient.first(weights.size() - outputs_.free));
  }
  void backward_to_actions(std::span<const float> weights, std::span<const float> by_values,
                           std::span<float> by_actions) override {
    inner_->backward_to_actions(bound_weights(weights, outputs_), by_values, by_actions);
  }

 private:
  std::unique_ptr<CriticFunction> inner_;
  Outputs outputs_;
};

class FreeRecurrentPolicy final : public RecurrentPolicyFunction {
 public:
  FreeRecurrentPolicy(std::unique_ptr<RecurrentPolicyFunction> inner, Outputs outputs)
      : inner_(std::move(inner)), outputs_(outputs) {}

  void step(std::span<const float> weights, std::span<const float> observations, std::size_t n,
            std::span<float> states, std::span<float> outputs) override {
    bound_.resize(n * outputs_.bound);
    inner_->step(bound_weights(weights, outputs_), observations, n, states, bound_);
    widen(outputs_, bound_, weights.last(outputs_.free), outputs);
  }

  float value(std::span<const float> weights, std::span<const float> observation,
              std::span<const float> state) override {
    return inner_->value(bound_weights(weights, outputs_), observation, state);
  }

 private:
  std::unique_ptr<RecurrentPolicyFunction> inner_;
  Outputs outputs_;
  std::vector<float> bound_;  ///< [n, outputs_.bound]
};

class FreeSequenceGradient final : public SequenceGradientFunction {
 public:
  FreeSequenceGradient(std::unique_ptr<SequenceGradientFunction> inner, Outputs outputs)
      : inner_(std::move(inner)), outputs_(outputs) {}

  void forward(std::span<const float> weights, const Sequences& sequences, std::span<float> outputs,
               std::span<float> values, std::span<float> states) override {
    bound_.resize(outputs.size() / outputs_.width() * outputs_.bound);
    inner_->forward(bound_weights(weights, outputs_), sequences, bound_, values, states);
    widen(outputs_, bound_, weights.last(outputs_.free), outputs);
  }

  void backward(std::span<const float> weights, std::span<const float> outputs_gradient,
                std::span<const float> values_gradient, std::span<float> gradient) override {
    const std::size_t inner_size = weights.size() - outputs_.free;
    divide(outputs_, outputs_gradient, bound_gradient_, gradient.subspan(inner_size));
    inner_->backward(weights.first(inner_size), bound_gradient_, values_gradient, gradient.first(inner_size));
  }

 private:
  std::unique_ptr<SequenceGradientFunction> inner_;
  Outputs outputs_;
  std::vector<float> bound_;           ///< [steps, outputs_.bound], of the latest forward()
  std::vector<float> bound_gradient_;  ///< the same, of the latest backward()
};

ParameterLayout with_free_tensor(const ParameterLayout& inner, const std::string& name, std::size_t free) {
  std::vector<ParameterLayout::Tensor> tensors;
  for (const TensorInfo& tensor : inner.tensors()) tensors.push_back({tensor.name, tensor.shape});
  tensors.push_back({name, {static_cast<std::int64_t>(free)}});
  return ParameterLayout(tensors);
}

class FreeOutputs final : public Network {
 public:
  FreeOutputs(std::unique_ptr<Network> inner, const NetworkSpec& spec)
      : inner_(std::move(inner)),
        outputs_{static_cast<std::size_t>(spec.policy - spec.free), static_cast<std::size_t>(spec.free)},
        start_(spec.free_start),
        layout_(with_free_tensor(inner_->layout(), spec.free_name, outputs_.free)) {}

  const ParameterLayout& layout() const override { return layout_; }

  std::vector<float> first_weights() const override {
    std::vector<float> weights = inner_->first_weights();
    weights.insert(weights.end(), outputs_.free, start_);
    return weights;
  }

  void use_device(const std::string& device) override { inner_->use_device(device); }

  std::unique_ptr<PolicyFunction> make_policy_function() override {
    auto inner = inner_->make_policy_function();
    return inner ? std::make_unique<FreePolicyFunction>(std::move(inner), outputs_) : nullptr;
  }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    auto inner = inner_->make_gradient_function();
    return inner ? std::make_unique<FreeGradientFunction>(std::move(inner), outputs_) : nullptr;
  }

  std::unique_ptr<CriticFunction> make_critic_function() override {
    auto inner = inner_->make_critic_function();
    return inner ? std::make_unique<FreeCriticFunction>(std::move(inner), outputs_) : nullptr;
  }

  std::size_t state_size() const override { return inner_->state_size(); }
  std::unique_ptr<RecurrentPolicyFunction> make_recurrent_policy_function() override {
    auto inner = inner_->make_recurrent_policy_function();
    return inner ? std::make_unique<FreeRecurrentPolicy>(std::move(inner), outputs_) : nullptr;
  }
  std::unique_ptr<SequenceGradientFunction> make_sequence_gradient_function() override {
    auto inner = inner_->make_sequence_gradient_function();
    return inner ? std::make_unique<FreeSequenceGradient>(std::move(inner), outputs_) : nullptr;
  }
  WeightNoise* noise() override { return inner_->noise(); }
  std::string description() const override { return inner_->description(); }

 private:
  std::unique_ptr<Network> inner_;
  Outputs outputs_;
  float start_;
  ParameterLayout layout_;
};

}  // namespace

std::unique_ptr<Network> make_network(const NetworkFactory& make, const NetworkSpec& spec,
                                      std::uint64_t seed) {
  if (spec.free < 0 || (spec.free > 0 && spec.free >= spec.policy)) {
    throw ArgumentError(fmt::format(
        "{} of {} policy outputs are free; expected 0 or more, and fewer than all", spec.free, spec.policy));
  }
  if (spec.noisy && spec.critics > 0) {
    throw ArgumentError(fmt::format(
        "a network with noisy layers was asked for with {} critics; expected one without noise, or without "
        "critics",
        spec.critics));
  }
  NetworkSpec bound = spec;
  bound.policy -= spec.free;
  bound.free = 0;
  bound.free_start = 0;
  bound.free_name = NetworkSpec().free_name;
  bound.noisy = false;
  bound.noisy_deviation = NetworkSpec().noisy_deviation;
  auto network = make(bound, seed);
  if (!network) throw ArgumentError("the network factory returned a null pointer; expected a network");
  if (spec.noisy) network = with_noisy_layers(std::move(network), spec.noisy_deviation);
  if (spec.free == 0) return network;
  return std::make_unique<FreeOutputs>(std::move(network), spec);
}

}  // namespace genkidama
