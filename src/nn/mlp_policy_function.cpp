#include "nn/mlp_policy_function.h"

#include <Eigen/Dense>
#include <algorithm>

namespace genkidama {
namespace {

using ConstMatrix = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
using ConstVector = Eigen::Map<const Eigen::VectorXf>;

class MlpPolicyFunction : public PolicyFunction {
 public:
  explicit MlpPolicyFunction(const MlpShape& shape)
      : shape_(shape), value_offset_(head_floats(shape.policy)) {
    const int widest = std::max(*std::max_element(shape.policy.begin(), shape.policy.end()),
                                *std::max_element(shape.value.begin(), shape.value.end()));
    input_.resize(widest);
    output_.resize(widest);
  }

  void logits(std::span<const float> weights, std::span<const float> observation,
              std::span<float> out) override {
    run(shape_.policy, weights.data(), observation, out);
  }

  float value(std::span<const float> weights, std::span<const float> observation) override {
    float result = 0;
    run(shape_.value, weights.data() + value_offset_, observation, {&result, 1});
    return result;
  }

 private:
  void run(const std::vector<int>& sizes, const float* weights, std::span<const float> observation,
           std::span<float> out) {
    std::copy(observation.begin(), observation.end(), input_.data());
    const std::size_t layers = sizes.size() - 1;
    for (std::size_t i = 0; i < layers; ++i) {
      const ConstMatrix matrix(weights, sizes[i + 1], sizes[i]);
      const ConstVector bias(weights + matrix.size(), sizes[i + 1]);
      weights += matrix.size() + bias.size();
      output_.head(sizes[i + 1]).noalias() = matrix * input_.head(sizes[i]);
      output_.head(sizes[i + 1]) += bias;
      if (i + 1 < layers) input_.head(sizes[i + 1]) = output_.head(sizes[i + 1]).array().tanh();
    }
    std::copy_n(output_.data(), out.size(), out.data());
  }

  MlpShape shape_;
  std::size_t value_offset_;
  Eigen::VectorXf input_;
  Eigen::VectorXf output_;
};

}  // namespace

std::size_t head_floats(const std::vector<int>& sizes) {
  std::size_t total = 0;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    total += static_cast<std::size_t>(sizes[i + 1]) * static_cast<std::size_t>(sizes[i] + 1);
  }
  return total;
}

std::unique_ptr<PolicyFunction> make_mlp_policy_function(const MlpShape& shape) {
  return std::make_unique<MlpPolicyFunction>(shape);
}

}  // namespace genkidama
