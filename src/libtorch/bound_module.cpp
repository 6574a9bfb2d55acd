#include "libtorch/bound_module.h"

#include <fmt/format.h>
#include <torch/version.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "genkidama/core/error.h"
#include "libtorch/statelessness.h"

namespace genkidama {
namespace {

// torch::DeviceIndex has eight bits with a sign.
constexpr std::size_t kMostDevices = 127;

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

torch::Device device_of(const std::string& name) {
  constexpr std::string_view kCuda = "cuda";
  if (name == "cpu") return torch::Device(torch::kCPU);
  const std::string_view rest = std::string_view(name).substr(std::min(name.size(), kCuda.size()));
  std::size_t number = 0;
  const char* const end = rest.data() + rest.size();
  bool is_name = name.starts_with(kCuda);
  if (is_name && !rest.empty()) {
    const auto read = std::from_chars(rest.data() + 1, end, number);
    is_name = rest.front() == ':' && read.ec == std::errc() && read.ptr == end && number <= kMostDevices;
  }
  if (!is_name)
    throw ArgumentError(
        fmt::format("device is '{}'; expected 'cpu', 'cuda', or 'cuda:N' such as cuda:1", name));
  const std::size_t devices = torch::cuda::device_count();
  if (devices == 0) {
    throw ArgumentError(
        fmt::format("device is '{}', and LibTorch {} finds no such device here; expected 'cpu', or a "
                    "LibTorch built with CUDA on "
                    "a machine with a GPU and its driver",
                    name, TORCH_VERSION));
  }
  if (number >= devices) {
    throw ArgumentError(fmt::format("device is '{}', and there {} {} here; expected at most cuda:{}", name,
                                    devices == 1 ? "is" : "are", devices, devices - 1));
  }
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(number)};
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

void BoundModule::use_device(const torch::Device& device) {
  device_ = device;
}

void BoundModule::bind_weights(std::span<const float> weights, bool unchanged) {
  const bool is_bound = weights.data() == weights_;
  if (is_bound && (!device_ || unchanged)) return;
  const torch::NoGradGuard no_grad;
  // from_blob wants a mutable pointer; nothing here writes the weights.
  float* const own = const_cast<float*>(weights.data());
  if (!device_) {
    bind(own);
  } else {
    if (!flat_.defined()) move_to_device();
    flat_.copy_(torch::from_blob(own, flat_.sizes()));
  }
  weights_ = own;
}

void BoundModule::bind(float* weights) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TensorInfo& info = layout_.tensors()[i];
    parameters_[i].set_data(torch::from_blob(weights + info.offset, info.shape));
  }
}

torch::Tensor BoundModule::part_of(const torch::Tensor& flat, std::size_t i) const {
  const TensorInfo& info = layout_.tensors()[i];
  return flat.narrow(0, static_cast<std::int64_t>(info.offset), parameters_[i].numel()).view(info.shape);
}

void BoundModule::move_to_device() {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(*device_);
  flat_ = torch::zeros({static_cast<std::int64_t>(layout_.size())}, options);
  flat_gradient_ = torch::zeros_like(flat_);
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].set_data(part_of(flat_, i));
}

void BoundModule::bind_gradient(std::span<float> gradient) {
  gradient_ = gradient;
  if (device_) {
    flat_gradient_.zero_();
  } else {
    std::fill(gradient.begin(), gradient.end(), 0.0f);
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    torch::Tensor& bound = parameters_[i].mutable_grad();
    // Looked up each time: from LibTorch 2 on, a user's zero_grad() lets go of it.
    if (bound.defined() && bound.data_ptr() == gradient_of(i)) continue;
    const TensorInfo& info = layout_.tensors()[i];
    bound =
        device_ ? part_of(flat_gradient_, i) : torch::from_blob(gradient.data() + info.offset, info.shape);
  }
}

void BoundModule::take_gradient() {
  check_bound();
  if (!device_) return;
  const torch::NoGradGuard no_grad;
  torch::from_blob(gradient_.data(), flat_gradient_.sizes()).copy_(flat_gradient_);
}

torch::Tensor BoundModule::here(const torch::Tensor& values) const {
  return device_ ? values.to(*device_) : values;
}

ActorCriticOutput BoundModule::forward(const torch::Tensor& observation) {
  ActorCriticOutput output = module_->forward(here(observation));
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

const void* BoundModule::weights_of(std::size_t i) const {
  const float* const flat = device_ ? flat_.data_ptr<float>() : weights_;
  return flat + layout_.tensors()[i].offset;
}

const void* BoundModule::gradient_of(std::size_t i) const {
  const float* const flat = device_ ? flat_gradient_.data_ptr<float>() : gradient_.data();
  return flat + layout_.tensors()[i].offset;
}

void BoundModule::check_bound() const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& gradient = parameters_[i].grad();
    if (parameters_[i].data_ptr() != weights_of(i) || !gradient.defined() ||
        gradient.data_ptr() != gradient_of(i)) {
      throw LayoutError(fmt::format(
          "parameter '{}' was replaced after the network was made; change its values in place instead",
          layout_.tensors()[i].name));
    }
  }
}

}  // namespace genkidama
