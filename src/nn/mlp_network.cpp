#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numbers>
#include <string>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/nn/networks.h"
#include "nn/bundled_network.h"
#include "nn/initial_weights.h"
#include "nn/mlp_critic_function.h"
#include "nn/mlp_gradient_function.h"
#include "nn/mlp_policy_function.h"
#include "nn/mlp_shape.h"
#include "nn/recurrent_mlp.h"

namespace genkidama {
namespace {

constexpr double kThesisDeviation = 0.1;
constexpr double kHiddenGain = std::numbers::sqrt2;

void add_tensors(const std::string& prefix, const DenseStack& stack,
                 std::vector<ParameterLayout::Tensor>& tensors) {
  for (std::size_t i = 0; i < stack.layers(); ++i) {
    const std::string name = fmt::format("{}{}", prefix, i + 1);
    const int units = stack.sizes[i + 1];
    tensors.push_back({name + ".weight", {units, stack.sizes[i]}});
    tensors.push_back({name + ".bias", {units}});
    if (!stack.normalises(i)) continue;
    tensors.push_back({name + "_norm.weight", {units}});
    tensors.push_back({name + "_norm.bias", {units}});
  }
}

/// Named as those of a torch.nn.GRU.
void add_tensors(const GruShape& memory, std::vector<ParameterLayout::Tensor>& tensors) {
  if (memory.units == 0) return;
  const auto in = static_cast<std::int64_t>(memory.in), units = static_cast<std::int64_t>(memory.units);
  tensors.push_back({"gru.weight_ih_l0", {3 * units, in}});
  tensors.push_back({"gru.weight_hh_l0", {3 * units, units}});
  tensors.push_back({"gru.bias_ih_l0", {3 * units}});
  tensors.push_back({"gru.bias_hh_l0", {3 * units}});
}

ParameterLayout layout_for(const MlpShape& shape, const MlpOptions& options) {
  std::vector<ParameterLayout::Tensor> tensors;
  add_tensors("trunk", shape.trunk_stack(), tensors);
  add_tensors(shape.memory, tensors);
  add_tensors("pi", shape.policy_stack(), tensors);
  add_tensors("v", shape.value_stack(), tensors);
  for (int i = 0; i < shape.critics; ++i) {
    add_tensors(fmt::format("q{}_", i + 1), shape.critic_stack(), tensors);
  }
  try {
    return ParameterLayout(tensors);
  } catch (const ArgumentError& error) {
    throw ArgumentError(fmt::format("the network '{}' is too large: {}; take smaller hidden layers or memory",
                                    mlp_description(options), error.what()));
  }
}

class MlpNetwork : public Network {
 public:
  MlpNetwork(const MlpOptions& options, const NetworkSpec& spec, std::uint64_t seed)
      : shape_(mlp_shape(spec, options)),
        layout_(layout_for(shape_, options)),
        description_(mlp_description(options)),
        orthogonal_(options.orthogonal),
        seed_(seed) {}

  const ParameterLayout& layout() const override { return layout_; }

  std::vector<float> first_weights() const override {
    std::vector<float> weights(layout_.size(), 0.0f);
    Random random(seed_);
    std::span<float> rest = weights;
    fill(shape_.trunk_stack(), kHiddenGain, rest, random);
    fill(shape_.memory, rest, random);
    fill(shape_.policy_stack(), 0.01, rest, random);
    fill(shape_.value_stack(), 1, rest, random);
    for (int i = 0; i < shape_.critics; ++i) fill(shape_.critic_stack(), 1, rest, random);
    return weights;
  }

  std::string description() const override { return description_; }

  std::unique_ptr<PolicyFunction> make_policy_function() override {
    return has_memory() ? nullptr : make_mlp_policy_function(shape_);
  }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    return has_memory() ? nullptr : make_mlp_gradient_function(shape_);
  }

  std::unique_ptr<CriticFunction> make_critic_function() override {
    return shape_.critics > 0 ? make_mlp_critic_function(shape_) : nullptr;
  }

  std::size_t state_size() const override { return shape_.memory.units; }
  std::unique_ptr<RecurrentPolicyFunction> make_recurrent_policy_function() override {
    return has_memory() ? make_recurrent_mlp_policy(shape_) : nullptr;
  }
  std::unique_ptr<SequenceGradientFunction> make_sequence_gradient_function() override {
    return has_memory() ? make_recurrent_mlp_gradient(shape_) : nullptr;
  }

 private:
  bool has_memory() const { return shape_.memory.units > 0; }

  /// The matrices of each gate on their own.
  void fill(const GruShape& memory, std::span<float>& rest, Random& random) const {
    std::span<float> weights = rest.first(memory.floats());
    for (const std::size_t columns : {memory.in, memory.units}) {
      for (int gate = 0; gate < 3; ++gate) {
        const auto matrix = weights.first(memory.units * columns);
        if (matrix.empty()) continue;
        if (orthogonal_) {
          fill_orthogonal(matrix, memory.units, columns, 1, random);
        } else {
          fill_normal(matrix, kThesisDeviation, random);
        }
        weights = weights.subspan(matrix.size());
      }
    }
    rest = rest.subspan(memory.floats());
  }

  /// Takes the stack's part off the front of `rest`; biases stay 0.
  void fill(const DenseStack& stack, double last_gain, std::span<float>& rest, Random& random) const {
    for (std::size_t i = 0; i < stack.layers(); ++i) {
      const std::size_t columns = stack.in(i), rows = stack.out(i);
      const auto weights = rest.first(rows * columns);
      if (orthogonal_) {
        const bool last = i + 1 == stack.layers();
        fill_orthogonal(weights, rows, columns, last ? last_gain : kHiddenGain, random);
      } else {
        fill_normal(weights, kThesisDeviation, random);
      }
      if (stack.normalises(i)) {
        const auto gains = rest.subspan(rows * (columns + 1), rows);
        std::fill(gains.begin(), gains.end(), 1.0f);
      }
      rest = rest.subspan(stack.floats(i));
    }
  }

  MlpShape shape_;
  ParameterLayout layout_;
  std::string description_;
  bool orthogonal_;
  std::uint64_t seed_;
};

/// A type of its own, so that mlp_options() can tell it from other factories.
struct MlpFactory {
  MlpOptions options;

  std::unique_ptr<Network> operator()(const NetworkSpec& spec, std::uint64_t seed) const {
    return std::make_unique<MlpNetwork>(options, spec, seed);
  }
};

constexpr Activation kActivations[] = {Activation::kTanh, Activation::kRelu, Activation::kSilu};

}  // namespace

NetworkFactory mlp_network(const MlpOptions& options) {
  for (const int units : options.hidden) {
    if (units < 1) throw ArgumentError(fmt::format("a hidden layer of {} units; expected at least 1", units));
  }
  if (std::find(std::begin(kActivations), std::end(kActivations), options.activation) ==
      std::end(kActivations)) {
    throw ArgumentError(fmt::format("MlpOptions::activation is {}; expected kTanh, kRelu or kSilu",
                                    static_cast<int>(options.activation)));
  }
  if (options.memory < 0) {
    throw ArgumentError(fmt::format("MlpOptions::memory is {}; expected 0 or more units", options.memory));
  }
  return MlpFactory{options};
}

NetworkFactory thesis_network() {
  return mlp_network({.hidden = {128}, .orthogonal = false});
}

std::optional<MlpOptions> mlp_options(const NetworkFactory& network) {
  const auto* factory = network.target<MlpFactory>();
  return factory == nullptr ? std::nullopt : std::optional(factory->options);
}

const char* activation_name(Activation activation) {
  switch (activation) {
    case Activation::kTanh:
      return "tanh";
    case Activation::kRelu:
      return "relu";
    case Activation::kSilu:
      return "silu";
  }
  return "";
}

std::optional<Activation> activation_of(std::string_view name) {
  for (const Activation activation : kActivations) {
    if (name == activation_name(activation)) return activation;
  }
  return {};
}

}  // namespace genkidama
