#include "nn/local_network.h"

#include <algorithm>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

const EnvironmentSpec kSpec{"test", 3, 2, 10};

/// A network as a user writes one, without a forward pass of its own outside LibTorch.
class UserNetwork : public ActorCritic {
 public:
  UserNetwork() {
    body_ = register_module("body", torch::nn::Linear(3, 5));
    policy_ = register_module("policy", torch::nn::Linear(5, 2));
    value_ = register_module("value", torch::nn::Linear(5, 1));
  }
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    const auto features = torch::relu(body_->forward(observation));
    return {policy_->forward(features), value_->forward(features).squeeze(-1)};
  }
  torch::nn::Linear body_{nullptr}, policy_{nullptr}, value_{nullptr};
};

class WrongShape : public UserNetwork {
 public:
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    auto output = UserNetwork::forward(observation);
    output.value = output.value.unsqueeze(-1);
    return output;
  }
};

class WithBuffer : public UserNetwork {
 public:
  WithBuffer() { register_buffer("running_mean", torch::zeros({3})); }
};

}  // namespace

TEST_CASE("writing the flat weights changes the network, and backward fills the flat gradient") {
  auto user = std::make_shared<UserNetwork>();
  LocalNetwork network(user, kSpec);
  REQUIRE(network.layout().tensors()[0].name == "body.weight");
  for (float& w : network.weights()) w = 0.5f;
  REQUIRE(user->value_->bias.item<float>() == 0.5f);

  network.forward(torch::ones({4, 3})).value.sum().backward();
  network.check_bound();
  // d(sum of values)/d(value.bias) is the batch size; it is the last element of the layout.
  REQUIRE(network.gradient().back() == 4.0f);
  network.forward(torch::ones({4, 3})).value.sum().backward();
  REQUIRE(network.gradient().back() == 8.0f);
}

TEST_CASE("a user's network plays through LibTorch with the same numbers as its forward pass") {
  LocalNetwork network(std::make_shared<UserNetwork>(), kSpec);
  const std::vector<float> observation{0.1f, -0.2f, 0.3f};
  std::vector<float> logits(2);
  network.policy().logits(network.weights(), observation, logits);
  const auto expected = network.forward(torch::tensor({{0.1f, -0.2f, 0.3f}}));
  REQUIRE(logits[0] == Approx(expected.logits[0][0].item<float>()));
  REQUIRE(logits[1] == Approx(expected.logits[0][1].item<float>()));
  REQUIRE(network.policy().value(network.weights(), observation) == Approx(expected.value[0].item<float>()));
}

TEST_CASE("a head without parameters does not keep the other from learning") {
  class PolicyOnly : public UserNetwork {
   public:
    ActorCriticOutput forward(const torch::Tensor& observation) override {
      auto output = UserNetwork::forward(observation);
      output.value = torch::zeros({observation.size(0)});
      return output;
    }
  };
  LocalNetwork network(std::make_shared<PolicyOnly>(), kSpec);
  const std::vector<float> observations{0.1f, -0.2f, 0.3f};
  std::vector<float> logits(2), values(1);
  network.evaluate(observations, logits, values);
  network.backpropagate(std::vector<float>{1, -1}, std::vector<float>{1});
  REQUIRE(std::any_of(network.gradient().begin(), network.gradient().end(), [](float g) { return g != 0; }));
}

TEST_CASE("a parameter that is replaced after binding is noticed") {
  auto user = std::make_shared<UserNetwork>();
  LocalNetwork network(user, kSpec);
  user->body_->weight.set_data(user->body_->weight.clone());
  REQUIRE_THROWS_WITH(network.check_bound(), Catch::Contains("body.weight"));
}

TEST_CASE("a network that cannot be shared is refused by name") {
  REQUIRE_THROWS_AS(LocalNetwork(nullptr, kSpec), ArgumentError);
  REQUIRE_THROWS_WITH(LocalNetwork(std::make_shared<WithBuffer>(), kSpec), Catch::Contains("running_mean"));
  auto doubled = std::make_shared<UserNetwork>();
  doubled->to(torch::kFloat64);
  REQUIRE_THROWS_WITH(LocalNetwork(doubled, kSpec),
                      Catch::Contains("body.weight") && Catch::Contains("float32"));
  LocalNetwork wrong(std::make_shared<WrongShape>(), kSpec);
  REQUIRE_THROWS_WITH(wrong.forward(torch::ones({4, 3})), Catch::Contains("expected [4, 2] and [4]"));
}

TEST_CASE("a user's network learns through LibTorch with the gradient of its own forward pass") {
  LocalNetwork network(std::make_shared<UserNetwork>(), kSpec);
  Random random(2);
  std::vector<float> observations(4 * 3), by_logits(4 * 2), by_values(4), logits(8), values(4);
  for (auto* values_of : {&observations, &by_logits, &by_values}) {
    for (float& value : *values_of) value = static_cast<float>(random.uniform(-1, 1));
  }
  network.evaluate(observations, logits, values);
  network.backpropagate(by_logits, by_values);
  const std::vector<float> first(network.gradient().begin(), network.gradient().end());

  for (float& g : network.gradient()) g = 0;
  const auto output = network.forward(torch::from_blob(observations.data(), {4, 3}));
  const auto loss = (output.logits * torch::from_blob(by_logits.data(), {4, 2})).sum() +
                    (output.value * torch::from_blob(by_values.data(), {4})).sum();
  loss.backward();
  REQUIRE(std::any_of(first.begin(), first.end(), [](float g) { return g != 0; }));
  for (std::size_t i = 0; i < first.size(); ++i)
    REQUIRE(first[i] == Approx(network.gradient()[i]).margin(1e-6));
  // A second batch replaces the first one's gradient.
  network.evaluate(observations, logits, values);
  network.backpropagate(by_logits, by_values);
  REQUIRE(std::equal(first.begin(), first.end(), network.gradient().begin()));
}
