#include "genkidama/nn/networks.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/nn/actor_critic.h"
#include "nn/dense_kernels.h"
#include "nn/local_network.h"
#include "nn/mlp_gradient_function.h"
#include "support/catch.h"

using namespace genkidama;

namespace {
const EnvironmentSpec kLander{"LunarLander-v2", 8, 4, 1000, 200.0};
}

TEST_CASE("the thesis network has the thesis' tensors in the thesis' order") {
  const ParameterLayout layout = layout_of(*thesis_network()(kLander));
  REQUIRE(layout.size() == 2949);
  const std::vector<std::pair<std::string, std::vector<std::int64_t>>> expected{
      {"pi1.weight", {128, 8}}, {"pi1.bias", {128}}, {"pi2.weight", {4, 128}}, {"pi2.bias", {4}},
      {"v1.weight", {128, 8}},  {"v1.bias", {128}},  {"v2.weight", {1, 128}},  {"v2.bias", {1}}};
  REQUIRE(layout.tensors().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    REQUIRE(layout.tensors()[i].name == expected[i].first);
    REQUIRE(layout.tensors()[i].shape == expected[i].second);
  }
}

TEST_CASE("the thesis network starts with weights N(0, 0.1^2) and biases 0, the same for the same seed") {
  torch::manual_seed(1);
  const auto a = thesis_network()(kLander);
  torch::manual_seed(1);
  const auto b = thesis_network()(kLander);
  for (const auto& item : a->named_parameters()) {
    const auto& values = item.value();
    REQUIRE(torch::equal(values, b->named_parameters()[item.key()]));
    if (item.key().find("bias") != std::string::npos) {
      REQUIRE(values.abs().max().item<float>() == 0.0f);
    } else if (values.numel() >= 512) {
      REQUIRE(values.std().item<double>() == Approx(0.1).epsilon(0.15));
      REQUIRE(std::abs(values.mean().item<double>()) < 0.02);
    }
  }
}

TEST_CASE("the forward pass without LibTorch equals LibTorch's on random weights and observations") {
  const std::vector<std::pair<NetworkFactory, EnvironmentSpec>> cases{
      {thesis_network(), kLander},
      {mlp_network({{64, 64}, true}), {"a", 4, 2, 10}},
      {mlp_network({{3}, false}), {"b", 1, 1, 10}},
      {mlp_network({{}, true}), {"c", 5, 3, 10}},
      {mlp_network({{17, 5, 33}, true}), {"d", 11, 7, 10}}};
  Random random(5);
  for (const auto& [factory, spec] : cases) {
    LocalNetwork network(factory(spec), spec);
    const auto function = factory(spec)->make_policy_function();
    REQUIRE(function);
    for (int round = 0; round < 20; ++round) {
      for (float& w : network.weights()) w = static_cast<float>(random.uniform(-1, 1));
      std::vector<float> observation(static_cast<std::size_t>(spec.observation_size));
      for (float& x : observation) x = static_cast<float>(random.uniform(-3, 3));
      std::vector<float> logits(static_cast<std::size_t>(spec.action_count));
      function->logits(network.weights(), observation, logits);
      const float value = function->value(network.weights(), observation);
      const auto expected = network.forward(torch::from_blob(observation.data(), {1, spec.observation_size}));
      for (int a = 0; a < spec.action_count; ++a) {
        REQUIRE(logits[static_cast<std::size_t>(a)] ==
                Approx(expected.logits[0][a].item<float>()).margin(1e-5));
      }
      REQUIRE(value == Approx(expected.value[0].item<float>()).margin(1e-5));
    }
  }
}

TEST_CASE("the gradient without LibTorch equals autograd's on random weights, observations and losses") {
  const std::vector<std::pair<MlpOptions, EnvironmentSpec>> cases{
      {{{128}, false}, kLander},           {{{64, 64}, true}, kLander},
      {{{64, 64}, true}, {"a", 4, 2, 10}}, {{{3}, false}, {"b", 1, 1, 10}},
      {{{}, true}, {"c", 5, 3, 10}},       {{{17, 5, 33}, true}, {"d", 11, 9, 10}}};
  Random random(5);
  const auto uniform = [&random](std::size_t count, double range) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random.uniform(-range, range));
    return values;
  };
  for (const DenseKernels* kernels : {&dense_kernels(), &portable_dense_kernels()}) {
    for (const auto& [options, spec] : cases) {
      LocalNetwork network(mlp_network(options)(spec), spec);
      MlpShape shape{{spec.observation_size}, {spec.observation_size}};
      for (auto* head : {&shape.policy, &shape.value})
        head->insert(head->end(), options.hidden.begin(), options.hidden.end());
      shape.policy.push_back(spec.action_count);
      shape.value.push_back(1);
      const auto function = make_mlp_gradient_function(shape, *kernels);
      // Larger and smaller than before, and not a multiple of anything.
      for (const std::size_t n : {64, 1, 5, 121, 64}) {
        INFO(kernels->name << ", batch of " << n << ", " << spec.name);
        const auto new_weights = uniform(network.weights().size(), 0.5);
        std::copy(new_weights.begin(), new_weights.end(), network.weights().begin());
        auto observations = uniform(n * static_cast<std::size_t>(spec.observation_size), 2);
        auto by_logits = uniform(n * network.action_count(), 1.0 / static_cast<double>(n));
        auto by_values = uniform(n, 1.0 / static_cast<double>(n));
        std::vector<float> logits(by_logits.size()), values(n), gradient(network.weights().size(), 7.0f);
        function->forward(network.weights(), observations, logits, values);
        function->backward(network.weights(), by_logits, by_values, gradient);

        const auto rows = static_cast<std::int64_t>(n);
        const auto output =
            network.forward(torch::from_blob(observations.data(), {rows, spec.observation_size}));
        for (float& g : network.gradient()) g = 0;
        torch::autograd::backward({output.logits, output.value},
                                  {torch::from_blob(by_logits.data(), {rows, spec.action_count}),
                                   torch::from_blob(by_values.data(), {rows})});
        for (std::size_t i = 0; i < logits.size(); ++i) {
          REQUIRE(logits[i] == Approx(output.logits.contiguous().data_ptr<float>()[i]).margin(1e-5));
        }
        for (std::size_t i = 0; i < n; ++i) {
          REQUIRE(values[i] == Approx(output.value.contiguous().data_ptr<float>()[i]).margin(1e-5));
        }
        for (std::size_t i = 0; i < gradient.size(); ++i) {
          REQUIRE(gradient[i] == Approx(network.gradient()[i]).margin(1e-5));
        }
      }
    }
  }
}

TEST_CASE("tanh of every version is within 2e-7 of the exact one, and NaN stays NaN") {
  for (const DenseKernels* kernels : {&dense_kernels(), &portable_dense_kernels()}) {
    std::vector<float> values;
    for (double x = -20; x <= 20; x += 0.00137) values.push_back(static_cast<float>(x));
    for (const float x : {0.0f, 1e-30f, -1e-6f, 1e30f, -1e30f, std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()})
      values.push_back(x);
    const std::vector<float> inputs = values;
    kernels->tanh_in_place(values.data(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double error = std::abs(values[i] - std::tanh(static_cast<double>(inputs[i])));
      if (error > 2e-7) FAIL(kernels->name << ": tanh(" << inputs[i] << ") is off by " << error);
    }
    std::vector<float> bad(11, std::numeric_limits<float>::quiet_NaN());
    kernels->tanh_in_place(bad.data(), bad.size());
    for (const float value : bad) REQUIRE(std::isnan(value));
  }
}

TEST_CASE("a hidden layer without units is refused") {
  REQUIRE_THROWS_AS(mlp_network({{64, 0}, true}), ArgumentError);
}
