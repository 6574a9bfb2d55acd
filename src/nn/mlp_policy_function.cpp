#include "nn/mlp_policy_function.h"

#include <cstddef>
#include <vector>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

class MlpPolicyFunction : public PolicyFunction {
 public:
  MlpPolicyFunction(const MlpShape& shape, const DenseKernels& kernels)
      : trunk_(shape.trunk_stack(), kernels),
        policy_(shape.policy_stack(), kernels),
        value_(shape.value_stack(), kernels),
        has_value_(!shape.value.empty()),
        features_(shape.trunk.empty() ? 0 : static_cast<std::size_t>(shape.trunk.back())) {}

  void logits(std::span<const float> weights, std::span<const float> observation,
              std::span<float> out) override {
    const float* input = features(weights.data(), observation.data());
    policy_.run(weights.data() + trunk_.floats(), input, out.data());
  }

  float value(std::span<const float> weights, std::span<const float> observation) override {
    if (!has_value_)
      throw ArgumentError("this network has no value; expected one that was made with a value");
    float result = 0;
    const float* input = features(weights.data(), observation.data());
    value_.run(weights.data() + trunk_.floats() + policy_.floats(), input, &result);
    return result;
  }

 private:
  /// What the heads see.
  const float* features(const float* weights, const float* observation) {
    if (features_.empty()) return observation;
    trunk_.run(weights, observation, features_.data());
    return features_.data();
  }

  SingleStack trunk_;
  SingleStack policy_;
  SingleStack value_;
  bool has_value_;
  std::vector<float> features_;
};

}  // namespace

std::unique_ptr<PolicyFunction> make_mlp_policy_function(const MlpShape& shape, const DenseKernels& kernels) {
  return std::make_unique<MlpPolicyFunction>(shape, kernels);
}

}  // namespace genkidama
