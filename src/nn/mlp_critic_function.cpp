#include "nn/mlp_critic_function.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace genkidama {
namespace {

class MlpCriticFunction final : public CriticFunction {
 public:
  MlpCriticFunction(const MlpShape& shape, const DenseKernels& kernels)
      : start_(shape.floats_before_critics()),
        inputs_(static_cast<std::size_t>(shape.critic.front())),
        actions_(static_cast<std::size_t>(shape.critic_actions)) {
    for (int i = 0; i < shape.critics; ++i) critics_.emplace_back(shape.critic_stack(), kernels);
  }

  void forward(std::span<const float> weights, std::span<const float> observations,
               std::span<const float> actions, std::span<float> values) override {
    rows_ = values.size() / critics_.size();
    join(observations, actions);
    for (std::size_t i = 0; i < critics_.size(); ++i) {
      critics_[i].forward(weights_of(weights, i), joined_.data(), rows_, values.data() + i * rows_);
    }
  }

  void backward(std::span<const float> weights, std::span<const float> by_values,
                std::span<float> gradient) override {
    for (std::size_t i = 0; i < critics_.size(); ++i) {
      critics_[i].backward(weights_of(weights, i), by_values.data() + i * rows_, gradient.data() + offset(i));
    }
  }

  void backward_to_actions(std::span<const float> weights, std::span<const float> by_values,
                           std::span<float> by_actions) override {
    std::fill(by_actions.begin(), by_actions.end(), 0.0f);
    by_joined_.resize(joined_.size());
    const std::size_t observation = inputs_ - actions_;
    for (std::size_t i = 0; i < critics_.size(); ++i) {
      critics_[i].backward_to_input(weights_of(weights, i), by_values.data() + i * rows_, by_joined_.data());
      for (std::size_t row = 0; row < rows_; ++row) {
        const float* from = by_joined_.data() + row * inputs_ + observation;
        float* to = by_actions.data() + row * actions_;
        for (std::size_t k = 0; k < actions_; ++k) to[k] += from[k];
      }
    }
  }

 private:
  std::size_t offset(std::size_t critic) const { return start_ + critic * critics_.front().floats(); }
  const float* weights_of(std::span<const float> weights, std::size_t critic) const {
    return weights.data() + offset(critic);
  }

  void join(std::span<const float> observations, std::span<const float> actions) {
    joined_.resize(rows_ * inputs_);
    const std::size_t observation = inputs_ - actions_;
    for (std::size_t row = 0; row < rows_; ++row) {
      float* const to =
          std::copy_n(observations.data() + row * observation, observation, joined_.data() + row * inputs_);
      std::copy_n(actions.data() + row * actions_, actions_, to);
    }
  }

  std::size_t start_;
  std::size_t inputs_;   ///< floats of an observation and an action
  std::size_t actions_;  ///< floats of an action
  std::size_t rows_ = 0;
  std::vector<BatchStack> critics_;
  std::vector<float> joined_, by_joined_;  ///< [rows, inputs_]
};

}  // namespace

std::unique_ptr<CriticFunction> make_mlp_critic_function(const MlpShape& shape, const DenseKernels& kernels) {
  return std::make_unique<MlpCriticFunction>(shape, kernels);
}

}  // namespace genkidama
