#include "nn/mlp_policy_function.h"

#include <algorithm>

namespace genkidama {
namespace {

class MlpPolicyFunction : public PolicyFunction {
 public:
  MlpPolicyFunction(const MlpShape& shape, const DenseKernels& kernels)
      : kernels_(kernels), shape_(shape), value_offset_(head_floats(shape.policy)) {
    const int widest = std::max(*std::max_element(shape.policy.begin(), shape.policy.end()),
                                *std::max_element(shape.value.begin(), shape.value.end()));
    for (auto& buffer : buffers_) buffer.resize(static_cast<std::size_t>(widest));
  }

  void logits(std::span<const float> weights, std::span<const float> observation,
              std::span<float> out) override {
    run(shape_.policy, weights.data(), observation.data(), out.data());
  }

  float value(std::span<const float> weights, std::span<const float> observation) override {
    float result = 0;
    run(shape_.value, weights.data() + value_offset_, observation.data(), &result);
    return result;
  }

 private:
  void run(const std::vector<int>& sizes, const float* weights, const float* input, float* result) {
    const std::size_t layers = sizes.size() - 1;
    for (std::size_t i = 0; i < layers; ++i) {
      const auto in = static_cast<std::size_t>(sizes[i]);
      const auto out = static_cast<std::size_t>(sizes[i + 1]);
      const bool last = i + 1 == layers;
      float* const output = last ? result : buffers_[i % 2].data();
      kernels_.apply_layer({.in = in,
                            .out = out,
                            .weights = weights,
                            .bias = weights + out * in,
                            .input = input,
                            .output = output});
      if (!last) kernels_.tanh_in_place(output, out);
      weights += out * (in + 1);
      input = output;
    }
  }

  const DenseKernels& kernels_;
  MlpShape shape_;
  std::size_t value_offset_;
  std::vector<float> buffers_[2];  ///< read from one, written to the other
};

}  // namespace

std::size_t head_floats(const std::vector<int>& sizes) {
  std::size_t total = 0;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    total += static_cast<std::size_t>(sizes[i + 1]) * static_cast<std::size_t>(sizes[i] + 1);
  }
  return total;
}

std::unique_ptr<PolicyFunction> make_mlp_policy_function(const MlpShape& shape, const DenseKernels& kernels) {
  return std::make_unique<MlpPolicyFunction>(shape, kernels);
}

}  // namespace genkidama
