// Networks of LibTorch's modules on a device. The processor stands for one: the copies, and when they are
// made, are the same there.
#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/libtorch/actor_critic.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/nn/networks.h"
#include "libtorch/bound_module.h"
#include "libtorch/torch_network.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

const NetworkSpec kSpec{{3}, 2, 1};

class Module : public ActorCritic {
 public:
  explicit Module(const NetworkSpec& spec = kSpec) {
    body_ = register_module("body", torch::nn::Linear(spec.observation_size(), 5));
    policy_ = register_module("policy", torch::nn::Linear(5, spec.policy));
    value_ = register_module("value", torch::nn::Linear(5, 1));
  }
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    const auto features = torch::tanh(body_->forward(observation));
    return {policy_->forward(features), value_->forward(features).squeeze(-1)};
  }
  torch::nn::Linear body_{nullptr}, policy_{nullptr}, value_{nullptr};
};

const torch::Device kDevice(torch::kCPU);

std::vector<float> uniform(std::size_t count, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
  return values;
}

}  // namespace

TEST_CASE("a network on a device computes what it computes in place, bit for bit") {
  const auto module = std::make_shared<Module>();
  const auto far = make_network_on(kDevice, module, kSpec);
  const auto near = torch_network<Module>()(kSpec, 1);
  REQUIRE(far->layout() == near->layout());
  const std::vector<float> first = far->first_weights();
  const auto far_policy = far->make_policy_function(), near_policy = near->make_policy_function();
  const auto far_gradient = far->make_gradient_function(), near_gradient = near->make_gradient_function();
  Random random(4);
  for (int i = 0; i < 5; ++i) {
    const auto weights = uniform(near->layout().size(), random), observations = uniform(4 * 3, random);
    const auto by_logits = uniform(4 * 2, random), by_values = uniform(4, random);
    std::vector<float> a(8), b(8), values_a(4), values_b(4), gradient_a(weights.size(), 9.0f),
        gradient_b(weights.size(), 7.0f);
    far_policy->logits_of_batch(weights, observations, 4, a);
    near_policy->logits_of_batch(weights, observations, 4, b);
    CHECK(a == b);
    far_gradient->forward(weights, observations, a, values_a);
    near_gradient->forward(weights, observations, b, values_b);
    CHECK(a == b);
    CHECK(values_a == values_b);
    // A value with other weights comes in between, as that of a target network does.
    const auto others = uniform(weights.size(), random);
    const std::span<const float> one(observations.data(), 3);
    CHECK(far_policy->value(others, one) == near_policy->value(others, one));
    far_gradient->backward(weights, by_logits, by_values, gradient_a);
    near_gradient->backward(weights, by_logits, by_values, gradient_b);
    CHECK(gradient_a == gradient_b);
  }
  // The library's arrays are copied, and never written.
  CHECK(far->first_weights() == first);
}

TEST_CASE("weights are copied to a device with each call, unless they are said to be the same") {
  const auto module = std::make_shared<Module>();
  const auto network = make_network_on(kDevice, module, kSpec);
  const auto policy = network->make_policy_function();
  const auto gradient = network->make_gradient_function();
  Random random(5);
  std::vector<float> weights = uniform(network->layout().size(), random);
  const std::vector<float> observation{0.1f, -0.2f, 0.3f};
  const auto answer = [&] {
    std::vector<float> logits(2);
    policy->logits(weights, observation, logits);
    return logits;
  };
  const auto before = answer();
  weights.assign(weights.size(), 0.5f);
  policy->keep_weights();
  CHECK(answer() == before);  // it was told so
  const auto after = answer();
  CHECK(after != before);
  policy->keep_weights();
  CHECK(answer() == after);
  // Others were there meanwhile: the word about the latest call of this function holds, and they are copied
  // again.
  const auto others = uniform(weights.size(), random);
  std::vector<float> logits(2), values(1);
  gradient->forward(others, observation, logits, values);
  policy->keep_weights();
  CHECK(answer() == after);
}

TEST_CASE("wrapped networks pass the device and the word about weights on") {
  NetworkSpec spec = kSpec;
  spec.policy = 3;
  spec.free = 1;
  const auto module = std::make_shared<Module>();
  const auto network = make_network(
      [&](const NetworkSpec& bound, std::uint64_t) { return make_network_on(kDevice, module, bound); }, spec,
      1);
  const auto policy = network->make_policy_function();
  std::vector<float> weights(network->layout().size(), 0.25f);
  const std::vector<float> observation{0.1f, -0.2f, 0.3f};
  std::vector<float> before(3), kept(3);
  policy->logits(weights, observation, before);
  std::fill(weights.begin(), weights.end() - 1, 0.75f);
  policy->keep_weights();
  policy->logits(weights, observation, kept);
  CHECK(kept == before);
  CHECK_THROWS_WITH(network->use_device("tpu"), Catch::Contains("device is 'tpu'"));
}

TEST_CASE("a module that lets go of its parameters is found out on a device too") {
  const auto module = std::make_shared<Module>();
  const auto network = make_network_on(kDevice, module, kSpec);
  const auto gradient = network->make_gradient_function();
  const std::vector<float> weights(network->layout().size(), 0.5f), observation(3, 1.0f), by_logits(2, 1.0f),
      by_values(1, 1.0f);
  std::vector<float> logits(2), values(1), result(weights.size());
  gradient->forward(weights, observation, logits, values);
  gradient->backward(weights, by_logits, by_values, result);
  module->body_->weight.set_data(module->body_->weight.detach().clone());
  gradient->forward(weights, observation, logits, values);
  CHECK_THROWS_WITH(gradient->backward(weights, by_logits, by_values, result),
                    Catch::Contains("'body.weight' was replaced"));
}

TEST_CASE("a device that is not there, and a word that is none, are refused") {
  for (const char* word :
       {"", "gpu", "cuda:", "cuda:x", "cuda:1x", "cuda1", "CUDA", "cuda:-1", "cuda:999", "meta"}) {
    CAPTURE(word);
    CHECK_THROWS_WITH(device_of(word), Catch::Contains("expected 'cpu', 'cuda', or 'cuda:N' such as cuda:1"));
  }
  CHECK(device_of("cpu") == torch::Device(torch::kCPU));
  const auto devices = static_cast<int>(torch::cuda::device_count());
  if (devices == 0) {
    for (const char* word : {"cuda", "cuda:0", "cuda:3"}) {
      CHECK_THROWS_WITH(device_of(word),
                        Catch::Contains(std::string("device is '") + word + "', and LibTorch") &&
                            Catch::Contains("finds no such device here; expected 'cpu'"));
    }
  } else {
    CHECK(device_of("cuda") == torch::Device(torch::kCUDA, 0));
    CHECK_THROWS_WITH(device_of("cuda:" + std::to_string(devices)),
                      Catch::Contains("expected at most cuda:"));
  }
  const auto bundled = mlp_network()(kSpec, 1);
  CHECK_NOTHROW(bundled->use_device("cpu"));
  CHECK_THROWS_WITH(bundled->use_device("cuda"),
                    Catch::Contains("device is 'cuda', and this network computes on the processor"));
}

TEST_CASE("a network computes on a GPU what it computes on the processor", "[device]") {
  if (torch::cuda::device_count() == 0) {
    WARN("skipped: LibTorch finds no GPU here");
    return;
  }
  const auto module = std::make_shared<Module>();
  const auto far = torch_network([&](const NetworkSpec&) { return module; })(kSpec, 1);
  far->use_device("cuda");
  const auto near = torch_network<Module>()(kSpec, 1);
  const auto far_policy = far->make_policy_function(), near_policy = near->make_policy_function();
  const auto far_gradient = far->make_gradient_function(), near_gradient = near->make_gradient_function();
  Random random(6);
  const auto weights = uniform(near->layout().size(), random), observations = uniform(64 * 3, random);
  const auto by_logits = uniform(64 * 2, random), by_values = uniform(64, random);
  std::vector<float> a(128), b(128), values_a(64), values_b(64), gradient_a(weights.size()),
      gradient_b(weights.size());
  const auto close = [](const std::vector<float>& x, const std::vector<float>& y) {
    float difference = 0;
    for (std::size_t i = 0; i < x.size(); ++i) difference = std::max(difference, std::abs(x[i] - y[i]));
    return difference < 1e-2f;
  };
  far_policy->logits_of_batch(weights, observations, 64, a);
  near_policy->logits_of_batch(weights, observations, 64, b);
  CHECK(close(a, b));
  far_gradient->forward(weights, observations, a, values_a);
  near_gradient->forward(weights, observations, b, values_b);
  CHECK(close(values_a, values_b));
  far_gradient->backward(weights, by_logits, by_values, gradient_a);
  near_gradient->backward(weights, by_logits, by_values, gradient_b);
  CHECK(close(gradient_a, gradient_b));
}
