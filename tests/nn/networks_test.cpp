#include "genkidama/nn/networks.h"

#include <torch/torch.h>

#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/nn/actor_critic.h"
#include "nn/local_network.h"
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

TEST_CASE("a hidden layer without units is refused") {
  REQUIRE_THROWS_AS(mlp_network({{64, 0}, true}), ArgumentError);
}
