#include <algorithm>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/libtorch/actor_critic.h"
#include "libtorch/bound_module.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

const NetworkSpec kSpec{{3}, 2, 1};

class UserModule : public ActorCritic {
 public:
  explicit UserModule(const NetworkSpec& spec = kSpec) {
    body_ = register_module("body", torch::nn::Linear(spec.observation_size(), 5));
    policy_ = register_module("policy", torch::nn::Linear(5, spec.policy));
    value_ = register_module("value", torch::nn::Linear(5, 1));
  }
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    const auto features = torch::relu(body_->forward(observation));
    return {policy_->forward(features), value_->forward(features).squeeze(-1)};
  }
  torch::nn::Linear body_{nullptr}, policy_{nullptr}, value_{nullptr};
};

class WrongShape : public UserModule {
 public:
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    auto output = UserModule::forward(observation);
    output.value = output.value.unsqueeze(-1);
    return output;
  }
};

class WithBuffer : public UserModule {
 public:
  WithBuffer() { register_buffer("running_mean", torch::zeros({3})); }
};

class PolicyOnly : public UserModule {
 public:
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    auto output = UserModule::forward(observation);
    output.value = torch::zeros({observation.size(0)});
    return output;
  }
};

/// Has a recurrent layer, which it starts anew each time.
template <typename Layer, typename Options>
class Recurrent : public UserModule {
 public:
  explicit Recurrent(const Options& options) : memory_(register_module("memory", Layer(options))) {}
  Layer memory_;
};

class RestartedGru : public UserModule {
 public:
  RestartedGru() : memory_(register_module("memory", torch::nn::GRU(1, 3))) {}
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    // An observation is a history of three numbers here: [T, B, 1].
    const auto history = observation.t().unsqueeze(-1);
    return UserModule::forward(std::get<0>(memory_->forward(history))[-1]);
  }
  bool restarts_recurrent_layers() const override { return true; }
  torch::nn::GRU memory_;
};

/// Carries the state of a GRU's cell from one call to the next.
class CarriedState : public UserModule {
 public:
  CarriedState() : memory_(register_module("memory", torch::nn::GRUCell(3, 3))) {}
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    state_ = state_.defined() ? memory_->forward(observation, state_) : memory_->forward(observation);
    return UserModule::forward(state_);
  }
  bool restarts_recurrent_layers() const override { return true; }
  torch::nn::GRUCell memory_;
  torch::Tensor state_;
};

/// Remembers without any recurrent layer.
class RunningMean : public UserModule {
 public:
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    mean_ = 0.9 * mean_ + 0.1 * observation.mean(0, true);
    return UserModule::forward(observation - mean_);
  }
  torch::Tensor mean_ = torch::zeros({1, 3});
};

class WithDropout : public UserModule {
 public:
  WithDropout() : dropout_(register_module("dropout", torch::nn::Dropout(0.5))) {}
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    return UserModule::forward(dropout_->forward(observation));
  }
  torch::nn::Dropout dropout_;
};

/// A network whose module the test can reach.
struct Known {
  explicit Known(std::shared_ptr<UserModule> given)
      : module(std::move(given)),
        network(torch_network([this](const NetworkSpec&) { return module; })(kSpec, 1)) {}
  std::shared_ptr<UserModule> module;
  std::unique_ptr<Network> network;
};

std::vector<float> uniform(std::size_t count, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
  return values;
}

void refuse(std::shared_ptr<ActorCritic> module, const std::string& a, const std::string& b = "") {
  const auto factory = torch_network([&](const NetworkSpec&) { return module; });
  REQUIRE_THROWS_WITH(factory(kSpec, 1), Catch::Contains(a) && Catch::Contains(b));
}

}  // namespace

TEST_CASE("a module's first weights follow from the seed, in the order of its registration") {
  const auto factory = torch_network<UserModule>();
  const auto network = factory(kSpec, 7);
  REQUIRE(network->layout().tensors()[0].name == "body.weight");
  REQUIRE(network->layout().size() == 3 * 5 + 5 + 5 * 2 + 2 + 5 + 1);
  REQUIRE(network->first_weights() == factory(kSpec, 7)->first_weights());
  REQUIRE(network->first_weights() != factory(kSpec, 8)->first_weights());
  torch::manual_seed(7);
  UserModule module;
  REQUIRE(network->first_weights()[0] == module.body_->weight[0][0].item<float>());
  REQUIRE(network->first_weights().back() == module.value_->bias.item<float>());
}

TEST_CASE("a module plays with the weights it is given, and with others when they lie elsewhere") {
  Known known(std::make_shared<UserModule>());
  const auto policy = known.network->make_policy_function();
  std::vector<float> observation{0.1f, -0.2f, 0.3f};
  Random random(2);
  for (int i = 0; i < 3; ++i) {
    const auto weights = uniform(known.network->layout().size(), random);
    std::vector<float> logits(2);
    policy->logits(weights, observation, logits);
    REQUIRE(known.module->value_->bias.item<float>() == weights.back());
    const auto expected = known.module->forward(torch::from_blob(observation.data(), {1, 3}));
    REQUIRE(logits[0] == Approx(expected.logits[0][0].item<float>()));
    REQUIRE(logits[1] == Approx(expected.logits[0][1].item<float>()));
    REQUIRE(policy->value(weights, observation) == Approx(expected.value[0].item<float>()));
  }
}

TEST_CASE(
    "a module learns with the gradient of its own forward pass, and a second batch replaces the first") {
  Known known(std::make_shared<UserModule>());
  const auto function = known.network->make_gradient_function();
  Random random(2);
  const auto weights = uniform(known.network->layout().size(), random);
  auto observations = uniform(4 * 3, random), by_logits = uniform(4 * 2, random),
       by_values = uniform(4, random);
  std::vector<float> logits(8), values(4), gradient(weights.size(), 9.0f);
  function->forward(weights, observations, logits, values);
  function->backward(weights, by_logits, by_values, gradient);
  const std::vector<float> first = gradient;
  REQUIRE(std::any_of(first.begin(), first.end(), [](float g) { return g != 0; }));

  // It lets go of the gradient's memory, as from LibTorch 2 on it does unasked.
  known.module->zero_grad(/*set_to_none=*/true);
  const auto output = known.module->forward(torch::from_blob(observations.data(), {4, 3}));
  const auto loss = (output.logits * torch::from_blob(by_logits.data(), {4, 2})).sum() +
                    (output.value * torch::from_blob(by_values.data(), {4})).sum();
  loss.backward();
  std::size_t at = 0;
  for (const auto& parameter : known.module->parameters()) {
    const auto expected = parameter.grad().contiguous();
    for (std::int64_t i = 0; i < expected.numel(); ++i, ++at) {
      REQUIRE(first[at] == Approx(expected.data_ptr<float>()[i]).margin(1e-6));
    }
  }
  function->forward(weights, observations, logits, values);
  function->backward(weights, by_logits, by_values, gradient);
  REQUIRE(gradient == first);
}

TEST_CASE("a head without parameters does not keep the other from learning") {
  Known known(std::make_shared<PolicyOnly>());
  const auto function = known.network->make_gradient_function();
  const auto weights = known.network->first_weights();
  const std::vector<float> observations{0.1f, -0.2f, 0.3f};
  std::vector<float> logits(2), values(1), gradient(weights.size());
  function->forward(weights, observations, logits, values);
  function->backward(weights, std::vector<float>{1, -1}, std::vector<float>{1}, gradient);
  REQUIRE(std::any_of(gradient.begin(), gradient.end(), [](float g) { return g != 0; }));
}

TEST_CASE("a parameter that is replaced after binding is noticed") {
  Known known(std::make_shared<UserModule>());
  const auto function = known.network->make_gradient_function();
  const auto weights = known.network->first_weights();
  std::vector<float> observations(3), logits(2), values(1), gradient(weights.size());
  function->forward(weights, observations, logits, values);
  known.module->body_->weight.set_data(known.module->body_->weight.clone());
  REQUIRE_THROWS_WITH(function->backward(weights, std::vector<float>{1, 1}, std::vector<float>{1}, gradient),
                      Catch::Contains("body.weight"));
}

TEST_CASE("a module sees observations with their own dimensions, and is asked for one value") {
  class Image : public UserModule {
   public:
    ActorCriticOutput forward(const torch::Tensor& observation) override {
      seen = observation.sizes().vec();
      return UserModule::forward(observation.flatten(1));
    }
    std::vector<std::int64_t> seen;
  };
  const auto module = std::make_shared<Image>();
  const auto factory = torch_network([&](const NetworkSpec&) { return module; });
  const auto network = factory({{1, 3, 1}, 2, 1}, 1);
  std::vector<float> logits(4), observations(6), values(2);
  network->make_policy_function()->logits_of_batch(network->first_weights(), observations, 2, logits);
  REQUIRE(module->seen == std::vector<std::int64_t>{2, 1, 3, 1});
  module->seen.clear();
  network->make_gradient_function()->forward(network->first_weights(), observations, logits, values);
  REQUIRE(module->seen == std::vector<std::int64_t>{2, 1, 3, 1});
  REQUIRE_THROWS_WITH(factory({{3}, 2, 0}, 1), Catch::Contains("0 values"));
}

TEST_CASE("a module with a recurrent layer is refused by the layer's name and kind") {
  using namespace torch::nn;
  refuse(std::make_shared<Recurrent<GRU, GRUOptions>>(GRUOptions(3, 4)), "'memory'", "(GRU)");
  refuse(std::make_shared<Recurrent<LSTM, LSTMOptions>>(LSTMOptions(3, 4)), "'memory'", "(LSTM)");
  refuse(std::make_shared<Recurrent<RNN, RNNOptions>>(RNNOptions(3, 4)), "'memory'", "(RNN)");
  refuse(std::make_shared<Recurrent<GRUCell, GRUCellOptions>>(GRUCellOptions(3, 4)), "'memory'", "(GRUCell)");
  refuse(std::make_shared<Recurrent<LSTMCell, LSTMCellOptions>>(LSTMCellOptions(3, 4)), "'memory'",
         "(LSTMCell)");
  refuse(std::make_shared<Recurrent<RNNCell, RNNCellOptions>>(RNNCellOptions(3, 4)), "'memory'", "(RNNCell)");
  auto inside = std::make_shared<UserModule>();
  inside->register_module("encoder", Sequential(Linear(3, 4), GRU(4, 4)));
  refuse(inside, "'encoder.1'", "carries no state");
}

TEST_CASE("a module that remembers something between two answers is refused, whatever it is made of") {
  refuse(std::make_shared<CarriedState>(), "differently the second time", "carries no state");
  refuse(std::make_shared<RunningMean>(), "differently the second time", "carries no state");
}

TEST_CASE("a module whose recurrent layers start anew, and one with dropout, are accepted") {
  REQUIRE_NOTHROW(Known(std::make_shared<RestartedGru>()));
  REQUIRE_NOTHROW(Known(std::make_shared<WithDropout>()));
}

TEST_CASE("looking whether a module remembers something draws nothing from LibTorch's generator") {
  const auto factory = torch_network([](const NetworkSpec&) { return std::make_shared<WithDropout>(); });
  factory(kSpec, 5);
  const float after = torch::rand({1}).item<float>();
  torch::manual_seed(5);
  WithDropout module;
  REQUIRE(torch::rand({1}).item<float>() == after);
}

TEST_CASE("a module that cannot be shared is refused by name") {
  REQUIRE_THROWS_AS(torch_network(nullptr), ArgumentError);
  refuse(nullptr, "null pointer");
  refuse(std::make_shared<WithBuffer>(), "running_mean");
  auto doubled = std::make_shared<UserModule>();
  doubled->to(torch::kFloat64);
  refuse(doubled, "body.weight", "float32");
  Known wrong(std::make_shared<WrongShape>());
  std::vector<float> logits(2), observations(3);
  REQUIRE_THROWS_WITH(
      wrong.network->make_policy_function()->logits(wrong.network->first_weights(), observations, logits),
      Catch::Contains("expected [1, 2] and [1]"));
}
