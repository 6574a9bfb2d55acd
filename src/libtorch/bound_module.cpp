#include "libtorch/bound_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/error.h"
#include "libtorch/statelessness.h"

namespace genkidama {
namespace {

std::shared_ptr<ActorCritic> not_null(std::shared_ptr<ActorCritic> module) {
  if (!module) throw ArgumentError("the network factory returned a null pointer; expected a network");
  return module;
}

}  // namespace

ParameterLayout layout_of(const ActorCritic& module) {
  std::vector<ParameterLayout::Tensor> tensors;
  for (const auto& item : module.named_parameters()) {
    const auto& parameter = item.value();
    if (parameter.scalar_type() != torch::kFloat32 || !parameter.device().is_cpu()) {
      throw LayoutError(fmt::format("parameter '{}' is {} on {}; expected float32 on the CPU", item.key(),
                                    c10::toString(parameter.scalar_type()), parameter.device().str()));
    }
    tensors.push_back({item.key(), parameter.sizes().vec()});
  }
  for (const auto& item : module.named_buffers()) {
    throw LayoutError(
        fmt::format("the network has a buffer '{}'; only parameters are shared and exchanged, so use a layer "
                    "without buffers",
                    item.key()));
  }
  if (tensors.empty()) throw LayoutError("the network has no parameters; register its submodules");
  return ParameterLayout(tensors);
}

BoundModule::BoundModule(std::shared_ptr<ActorCritic> module, const NetworkSpec& spec)
    : module_(not_null(std::move(module))),
      layout_(layout_of(*module_)),
      output_count_(spec.policy),
      parameters_(module_->parameters()) {
  if (spec.values != 1) {
    throw ArgumentError(fmt::format(
        "an ActorCritic was asked for {} values; expected an algorithm that needs exactly 1", spec.values));
  }
  std::vector<std::int64_t> sizes(spec.observation.begin(), spec.observation.end());
  sizes.insert(sizes.begin(), 1);
  check_stateless(*module_, torch::full(sizes, 0.5f));
}

std::vector<float> BoundModule::values() const {
  std::vector<float> values(layout_.size());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TensorInfo& info = layout_.tensors()[i];
    const auto parameter = parameters_[i].detach().contiguous();
    std::copy_n(parameter.data_ptr<float>(), parameter.numel(), values.data() + info.offset);
  }
  return values;
}

void BoundModule::bind_weights(std::span<const float> weights) {
  if (weights.data() == weights_) return;
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TensorInfo& info = layout_.tensors()[i];
    // from_blob wants a mutable pointer; nothing here writes the parameters.
    parameters_[i].set_data(torch::from_blob(const_cast<float*>(weights.data()) + info.offset, info.shape));
  }
  weights_ = weights.data();
}

void BoundModule::bind_gradient(std::span<float> gradient) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TensorInfo& info = layout_.tensors()[i];
    torch::Tensor& bound = parameters_[i].mutable_grad();
    float* const own = gradient.data() + info.offset;
    // Looked up each time: from LibTorch 2 on, a user's zero_grad() lets go of it.
    if (!bound.defined() || bound.data_ptr<float>() != own) bound = torch::from_blob(own, info.shape);
  }
  gradient_ = gradient.data();
}

ActorCriticOutput BoundModule::forward(const torch::Tensor& observation) {
  ActorCriticOutput output = module_->forward(observation);
  const std::int64_t batch = observation.size(0);
  if (output.logits.sizes() != torch::IntArrayRef({batch, output_count_}) ||
      output.value.sizes() != torch::IntArrayRef({batch})) {
    throw LayoutError(fmt::format(
        "the network answered {} observations with logits {} and value {}; expected [{}, {}] and [{}]", batch,
        shape_text(output.logits.sizes().vec()), shape_text(output.value.sizes().vec()), batch, output_count_,
        batch));
  }
  return output;
}

void BoundModule::check_bound() const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TensorInfo& info = layout_.tensors()[i];
    const auto& gradient = parameters_[i].grad();
    if (parameters_[i].data_ptr<float>() != weights_ + info.offset || !gradient.defined() ||
        gradient.data_ptr<float>() != gradient_ + info.offset) {
      throw LayoutError(fmt::format(
          "parameter '{}' was replaced after the network was made; change its values in place instead",
          info.name));
    }
  }
}

}  // namespace genkidama
