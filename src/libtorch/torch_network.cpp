#include "libtorch/torch_network.h"

#include <dlfcn.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "libtorch/bound_module.h"

namespace genkidama {
namespace {

/// Rows of observations with the dimensions that the environment gives them.
class Batches {
 public:
  explicit Batches(const NetworkSpec& spec) : sizes_(spec.observation.begin(), spec.observation.end()) {
    sizes_.insert(sizes_.begin(), 0);
  }

  torch::Tensor of(std::span<const float> observations, std::size_t n) {
    sizes_[0] = static_cast<std::int64_t>(n);
    // from_blob wants a mutable pointer; a forward pass does not write its input.
    return torch::from_blob(const_cast<float*>(observations.data()), sizes_);
  }

 private:
  std::vector<std::int64_t> sizes_;
};

void copy_out(const torch::Tensor& from, std::span<float> to) {
  const torch::Tensor values = from.to(torch::kCPU).contiguous();
  std::copy_n(values.data_ptr<float>(), to.size(), to.data());
}

/// In inference mode.
class TorchPolicyFunction : public PolicyFunction {
 public:
  TorchPolicyFunction(BoundModule& module, const NetworkSpec& spec) : module_(module), batches_(spec) {}

  void logits(std::span<const float> weights, std::span<const float> observation,
              std::span<float> out) override {
    logits_of_batch(weights, observation, 1, out);
  }

  void logits_of_batch(std::span<const float> weights, std::span<const float> observations, std::size_t n,
                       std::span<float> out) override {
    bind(weights);
    const c10::InferenceMode inference;
    copy_out(module_.forward(batches_.of(observations, n)).logits, out);
  }

  float value(std::span<const float> weights, std::span<const float> observation) override {
    bind(weights);
    const c10::InferenceMode inference;
    return module_.forward(batches_.of(observation, 1)).value.item<float>();
  }

  void keep_weights() override { unchanged_ = true; }

 private:
  void bind(std::span<const float> weights) {
    module_.bind_weights(weights, std::exchange(unchanged_, false));
  }

  BoundModule& module_;
  Batches batches_;
  bool unchanged_ = false;  ///< the weights of the next call
};

/// By autograd.
class TorchGradientFunction : public GradientFunction {
 public:
  TorchGradientFunction(BoundModule& module, const NetworkSpec& spec) : module_(module), batches_(spec) {}

  void forward(std::span<const float> weights, std::span<const float> observations, std::span<float> logits,
               std::span<float> values) override {
    module_.bind_weights(weights);
    output_ = module_.forward(batches_.of(observations, values.size()));
    copy_out(output_.logits, logits);
    copy_out(output_.value, values);
  }

  void backward(std::span<const float> weights, std::span<const float> logits_gradient,
                std::span<const float> values_gradient, std::span<float> gradient) override {
    module_.bind_weights(weights, /*unchanged=*/true);
    module_.bind_gradient(gradient);
    // A head without parameters, say a constant value, has nothing to learn.
    std::vector<torch::Tensor> outputs;
    std::vector<torch::Tensor> gradients;
    for (const auto& [output, values] :
         {std::pair(output_.logits, logits_gradient), std::pair(output_.value, values_gradient)}) {
      if (!output.requires_grad()) continue;
      outputs.push_back(output);
      gradients.push_back(module_.here(torch::from_blob(const_cast<float*>(values.data()), output.sizes())));
    }
    if (!outputs.empty()) torch::autograd::backward(outputs, gradients);
    module_.take_gradient();
  }

 private:
  BoundModule& module_;
  Batches batches_;
  ActorCriticOutput output_;
};

class TorchNetwork : public Network {
 public:
  TorchNetwork(std::shared_ptr<ActorCritic> module, const NetworkSpec& spec)
      : spec_(spec),
        description_(module ? module->description() : ""),
        module_(std::move(module), spec),
        first_weights_(module_.values()) {}

  const ParameterLayout& layout() const override { return module_.layout(); }
  std::vector<float> first_weights() const override { return first_weights_; }
  std::string description() const override { return description_; }
  void use_device(const std::string& device) override {
    if (const torch::Device found = device_of(device); !found.is_cpu()) use_device(found);
  }
  void use_device(const torch::Device& device) { module_.use_device(device); }
  std::unique_ptr<PolicyFunction> make_policy_function() override {
    return std::make_unique<TorchPolicyFunction>(module_, spec_);
  }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    return std::make_unique<TorchGradientFunction>(module_, spec_);
  }

 private:
  NetworkSpec spec_;
  std::string description_;
  BoundModule module_;
  std::vector<float> first_weights_;
};

void use_one_compute_thread() {
  at::set_num_threads(1);
  // OpenBLAS has a pool of its own that LibTorch does not know of; other BLAS libraries lack this symbol.
  if (void* symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
    reinterpret_cast<void (*)(int)>(symbol)(1);
  }
}

}  // namespace

std::unique_ptr<Network> make_network_on(const torch::Device& device, std::shared_ptr<ActorCritic> module,
                                         const NetworkSpec& spec) {
  auto network = std::make_unique<TorchNetwork>(std::move(module), spec);
  network->use_device(device);
  return network;
}

NetworkFactory torch_network(std::function<std::shared_ptr<ActorCritic>(const NetworkSpec&)> make) {
  if (!make) throw ArgumentError("torch_network() was given no function; expected one that makes a network");
  return [make = std::move(make)](const NetworkSpec& spec, std::uint64_t seed) {
    use_one_compute_thread();
    torch::manual_seed(seed);
    return std::make_unique<TorchNetwork>(make(spec), spec);
  };
}

}  // namespace genkidama
