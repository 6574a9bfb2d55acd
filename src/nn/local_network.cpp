#include "nn/local_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

/// Any network through LibTorch; weights must be the ones the network is bound to.
class TorchPolicyFunction : public PolicyFunction {
 public:
  explicit TorchPolicyFunction(LocalNetwork& network) : network_(network) {}

  void logits(std::span<const float> weights, std::span<const float> observation,
              std::span<float> out) override {
    logits_of_batch(weights, observation, 1, out);
  }

  void logits_of_batch(std::span<const float>, std::span<const float> observations, std::size_t n,
                       std::span<float> out) override {
    const c10::InferenceMode inference;
    const auto result = network_.forward(as_batch(observations, n)).logits.contiguous();
    std::copy_n(result.data_ptr<float>(), out.size(), out.data());
  }

  float value(std::span<const float>, std::span<const float> observation) override {
    const c10::InferenceMode inference;
    return network_.forward(as_batch(observation, 1)).value.item<float>();
  }

 private:
  static torch::Tensor as_batch(std::span<const float> observations, std::size_t n) {
    const auto rows = static_cast<std::int64_t>(n);
    // from_blob wants a mutable pointer; a forward pass does not write its input.
    return torch::from_blob(const_cast<float*>(observations.data()),
                            {rows, static_cast<std::int64_t>(observations.size()) / rows});
  }

  LocalNetwork& network_;
};

/// Any network through LibTorch's autograd; weights and gradient must be the ones the network is bound to.
class TorchGradientFunction : public GradientFunction {
 public:
  explicit TorchGradientFunction(LocalNetwork& network) : network_(network) {}

  void forward(std::span<const float>, std::span<const float> observations, std::span<float> logits,
               std::span<float> values) override {
    const auto rows = static_cast<std::int64_t>(values.size());
    const auto width = static_cast<std::int64_t>(observations.size()) / rows;
    output_ = network_.forward(torch::from_blob(const_cast<float*>(observations.data()), {rows, width}));
    std::copy_n(output_.logits.contiguous().data_ptr<float>(), logits.size(), logits.data());
    std::copy_n(output_.value.contiguous().data_ptr<float>(), values.size(), values.data());
  }

  void backward(std::span<const float>, std::span<const float> logits_gradient,
                std::span<const float> values_gradient, std::span<float> gradient) override {
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    // A head without parameters, say a constant value, has nothing to learn.
    std::vector<torch::Tensor> outputs;
    std::vector<torch::Tensor> gradients;
    for (const auto& [output, values] :
         {std::pair(output_.logits, logits_gradient), std::pair(output_.value, values_gradient)}) {
      if (!output.requires_grad()) continue;
      outputs.push_back(output);
      gradients.push_back(gradient_tensor(values, output));
    }
    if (!outputs.empty()) torch::autograd::backward(outputs, gradients);
    network_.check_bound();
  }

 private:
  static torch::Tensor gradient_tensor(std::span<const float> values, const torch::Tensor& like) {
    return torch::from_blob(const_cast<float*>(values.data()), like.sizes());
  }

  LocalNetwork& network_;
  ActorCriticOutput output_;
};

}  // namespace

ParameterLayout layout_of(const ActorCritic& network) {
  std::vector<ParameterLayout::Tensor> tensors;
  for (const auto& item : network.named_parameters()) {
    const auto& parameter = item.value();
    if (parameter.scalar_type() != torch::kFloat32 || !parameter.device().is_cpu()) {
      throw LayoutError(fmt::format("parameter '{}' is {} on {}; expected float32 on the CPU", item.key(),
                                    c10::toString(parameter.scalar_type()), parameter.device().str()));
    }
    tensors.push_back({item.key(), parameter.sizes().vec()});
  }
  for (const auto& item : network.named_buffers()) {
    throw LayoutError(
        fmt::format("the network has a buffer '{}'; only parameters are shared and exchanged, so use a layer "
                    "without buffers",
                    item.key()));
  }
  if (tensors.empty()) throw LayoutError("the network has no parameters; register its submodules");
  return ParameterLayout(tensors);
}

LocalNetwork::LocalNetwork(std::shared_ptr<ActorCritic> network, const EnvironmentSpec& spec)
    : network_(std::move(network)), action_count_(spec.action_count) {
  if (!network_) throw ArgumentError("the network factory returned a null pointer; expected a network");
  layout_ = layout_of(*network_);
  weights_.resize(layout_.size());
  gradient_.assign(layout_.size(), 0.0f);
  parameters_ = network_->parameters();
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TensorInfo& info = layout_.tensors()[i];
    const auto values = torch::from_blob(weights_.data() + info.offset, info.shape);
    values.copy_(parameters_[i]);
    parameters_[i].set_data(values);
    parameters_[i].mutable_grad() = torch::from_blob(gradient_.data() + info.offset, info.shape);
  }
  policy_ = network_->make_policy_function();
  if (!policy_) policy_ = std::make_unique<TorchPolicyFunction>(*this);
  gradient_function_ = network_->make_gradient_function();
  if (!gradient_function_) gradient_function_ = std::make_unique<TorchGradientFunction>(*this);
  check_bound();
}

ActorCriticOutput LocalNetwork::forward(const torch::Tensor& observation) {
  ActorCriticOutput output = network_->forward(observation);
  const std::int64_t batch = observation.size(0);
  if (output.logits.sizes() != torch::IntArrayRef({batch, action_count_}) ||
      output.value.sizes() != torch::IntArrayRef({batch})) {
    throw LayoutError(fmt::format(
        "the network answered {} observations with logits {} and value {}; expected [{}, {}] and [{}]", batch,
        shape_text(output.logits.sizes().vec()), shape_text(output.value.sizes().vec()), batch, action_count_,
        batch));
  }
  return output;
}

void LocalNetwork::evaluate(std::span<const float> observations, std::span<float> logits,
                            std::span<float> values) {
  gradient_function_->forward(weights_, observations, logits, values);
}

void LocalNetwork::backpropagate(std::span<const float> logits_gradient,
                                 std::span<const float> values_gradient) {
  gradient_function_->backward(weights_, logits_gradient, values_gradient, gradient_);
}

void LocalNetwork::check_bound() const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TensorInfo& info = layout_.tensors()[i];
    const auto& gradient = parameters_[i].grad();
    if (parameters_[i].data_ptr<float>() != weights_.data() + info.offset || !gradient.defined() ||
        gradient.data_ptr<float>() != gradient_.data() + info.offset) {
      throw LayoutError(fmt::format(
          "parameter '{}' was replaced after the network was made; change its values in place instead",
          info.name));
    }
  }
}

}  // namespace genkidama
