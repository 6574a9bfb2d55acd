#include "nn/mlp_gradient_function.h"

#include <cstddef>
#include <vector>

namespace genkidama {
namespace {

class MlpGradientFunction : public GradientFunction {
 public:
  MlpGradientFunction(const MlpShape& shape, const DenseKernels& kernels)
      : trunk_(shape.trunk_stack(), kernels),
        policy_(shape.policy_stack(), kernels),
        value_(shape.value_stack(), kernels),
        output_count_(static_cast<std::size_t>(shape.policy.back())),
        has_value_(!shape.value.empty()),
        feature_count_(shape.trunk.empty() ? 0 : static_cast<std::size_t>(shape.trunk.back())) {}

  void forward(std::span<const float> weights, std::span<const float> observations, std::span<float> logits,
               std::span<float> values) override {
    const std::size_t rows = logits.size() / output_count_;
    const float* head_weights = weights.data() + trunk_.floats();
    const float* input = observations.data();
    if (feature_count_ > 0) {
      features_.resize(rows * feature_count_);
      trunk_.forward(weights.data(), input, rows, features_.data());
      input = features_.data();
    }
    policy_.forward(head_weights, input, rows, logits.data());
    value_.forward(head_weights + policy_.floats(), input, rows, values.data());
  }

  void backward(std::span<const float> weights, std::span<const float> logits_gradient,
                std::span<const float> values_gradient, std::span<float> gradient) override {
    const float* head_weights = weights.data() + trunk_.floats();
    float* head_gradient = gradient.data() + trunk_.floats();
    float *by_policy = nullptr, *by_value = nullptr;
    if (feature_count_ > 0) {
      by_features_.resize(2 * features_.size());
      by_policy = by_features_.data();
      by_value = by_policy + features_.size();
    }
    policy_.backward(head_weights, logits_gradient.data(), head_gradient, by_policy);
    value_.backward(head_weights + policy_.floats(), values_gradient.data(), head_gradient + policy_.floats(),
                    by_value);
    if (feature_count_ == 0) return;
    for (std::size_t i = 0; has_value_ && i < features_.size(); ++i) by_policy[i] += by_value[i];
    trunk_.backward(weights.data(), by_policy, gradient.data());
  }

 private:
  BatchStack trunk_;
  BatchStack policy_;
  BatchStack value_;  ///< without layers where no value is asked for
  std::size_t output_count_;
  bool has_value_;
  std::size_t feature_count_;
  std::vector<float> features_;  ///< [rows, feature_count_], what the heads see
  std::vector<float>
      by_features_;  ///< the loss' derivative by them, through the policy and through the value
};

}  // namespace

std::unique_ptr<GradientFunction> make_mlp_gradient_function(const MlpShape& shape,
                                                             const DenseKernels& kernels) {
  return std::make_unique<MlpGradientFunction>(shape, kernels);
}

}  // namespace genkidama
