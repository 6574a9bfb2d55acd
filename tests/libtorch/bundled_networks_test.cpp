// The bundled networks against the same ones made of LibTorch's modules.
#include <algorithm>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/libtorch/actor_critic.h"
#include "genkidama/nn/networks.h"
#include "nn/dense_kernels.h"
#include "nn/mlp_gradient_function.h"
#include "nn/mlp_policy_function.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

struct Case {
  std::vector<int> hidden;
  NetworkSpec spec;
};

const std::vector<Case> kCases{{{128}, {{8}, 4, 1}}, {{64, 64}, {{8}, 4, 1}}, {{64, 64}, {{4}, 2, 1}},
                               {{3}, {{1}, 1, 1}},   {{}, {{5}, 3, 1}},       {{17, 5, 33}, {{11}, 9, 1}}};

MlpShape shape_of(const Case& c) {
  MlpShape shape{{c.spec.observation_size()}, {c.spec.observation_size()}};
  for (auto* head : {&shape.policy, &shape.value})
    head->insert(head->end(), c.hidden.begin(), c.hidden.end());
  shape.policy.push_back(c.spec.policy);
  shape.value.push_back(1);
  return shape;
}

/// One head on LibTorch's operations, with weights taken off the front of `weights`.
torch::Tensor reference_head(const std::vector<int>& sizes, const torch::Tensor& observation,
                             const torch::Tensor& weights, std::int64_t& at) {
  torch::Tensor x = observation;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    const auto matrix = weights.narrow(0, at, sizes[i] * sizes[i + 1]).view({sizes[i + 1], sizes[i]});
    at += matrix.numel();
    const auto bias = weights.narrow(0, at, sizes[i + 1]);
    at += bias.numel();
    x = torch::linear(x, matrix, bias);
    if (i + 2 < sizes.size()) x = torch::tanh(x);
  }
  return x;
}

ActorCriticOutput reference(const MlpShape& shape, const torch::Tensor& observation,
                            const torch::Tensor& weights) {
  std::int64_t at = 0;
  auto logits = reference_head(shape.policy, observation, weights, at);
  auto value = reference_head(shape.value, observation, weights, at).squeeze(-1);
  REQUIRE(at == weights.numel());
  return {logits, value};
}

torch::Tensor tensor_of(std::vector<float>& values, std::vector<std::int64_t> shape) {
  return torch::from_blob(values.data(), shape);
}

void require_equal(std::span<const float> ours, const torch::Tensor& theirs) {
  const auto expected = theirs.contiguous();
  REQUIRE(static_cast<std::size_t>(expected.numel()) == ours.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    REQUIRE(ours[i] == Approx(expected.data_ptr<float>()[i]).margin(1e-5));
  }
}

class Uniform {
 public:
  std::vector<float> operator()(std::size_t count, double range) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random_.uniform(-range, range));
    return values;
  }

 private:
  Random random_{5};
};

}  // namespace

TEST_CASE("the bundled forward pass equals LibTorch's on random weights and observations") {
  Uniform uniform;
  for (const DenseKernels* kernels : runnable_dense_kernels()) {
    for (const Case& c : kCases) {
      const auto size = mlp_network({.hidden = c.hidden})(c.spec, 1)->layout().size();
      const auto function = make_mlp_policy_function(shape_of(c), *kernels);
      for (int round = 0; round < 20; ++round) {
        INFO(kernels->name << ", " << shape_text({c.spec.observation_size(), c.spec.policy}));
        auto weights = uniform(size, 1);
        auto observation = uniform(static_cast<std::size_t>(c.spec.observation_size()), 3);
        std::vector<float> logits(static_cast<std::size_t>(c.spec.policy));
        function->logits(weights, observation, logits);
        const std::vector<float> value{function->value(weights, observation)};
        const auto expected = reference(shape_of(c), tensor_of(observation, {1, c.spec.observation_size()}),
                                        tensor_of(weights, {static_cast<std::int64_t>(weights.size())}));
        require_equal(logits, expected.logits);
        require_equal(value, expected.value);
      }
    }
  }
}

TEST_CASE("the bundled gradient equals autograd's on random weights, observations and losses") {
  Uniform uniform;
  for (const DenseKernels* kernels : runnable_dense_kernels()) {
    for (const Case& c : kCases) {
      const auto size = mlp_network({.hidden = c.hidden})(c.spec, 1)->layout().size();
      const auto function = make_mlp_gradient_function(shape_of(c), *kernels);
      // Larger and smaller than before, and not a multiple of anything.
      for (const std::size_t n : {64, 1, 5, 121, 64}) {
        INFO(kernels->name << ", batch of " << n << ", "
                           << shape_text({c.spec.observation_size(), c.spec.policy}));
        const auto rows = static_cast<std::int64_t>(n);
        auto weights = uniform(size, 0.5);
        auto observations = uniform(n * static_cast<std::size_t>(c.spec.observation_size()), 2);
        auto by_logits = uniform(n * static_cast<std::size_t>(c.spec.policy), 1.0 / static_cast<double>(n));
        auto by_values = uniform(n, 1.0 / static_cast<double>(n));
        std::vector<float> logits(by_logits.size()), values(n), gradient(size, 7.0f);
        function->forward(weights, observations, logits, values);
        function->backward(weights, by_logits, by_values, gradient);

        auto parameters = tensor_of(weights, {static_cast<std::int64_t>(size)}).clone().requires_grad_(true);
        const auto expected =
            reference(shape_of(c), tensor_of(observations, {rows, c.spec.observation_size()}), parameters);
        torch::autograd::backward(
            {expected.logits, expected.value},
            {tensor_of(by_logits, {rows, c.spec.policy}), tensor_of(by_values, {rows})});
        require_equal(logits, expected.logits);
        require_equal(values, expected.value);
        require_equal(gradient, parameters.grad());
      }
    }
  }
}
