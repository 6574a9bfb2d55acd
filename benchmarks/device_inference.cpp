// What a network made of LibTorch's modules costs on a device, and what it costs to copy its weights there:
//
//   device_inference [cpu|cuda|cuda:N] [SECONDS OF EACH ROW]
//
// In place: on the processor, with the weights where they lie. Kept: on the device, with weights that are
// there already, as for a predictor between two updates. Copied: with weights that are copied first, as for a
// learner.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/random.h"
#include "genkidama/libtorch/actor_critic.h"
#include "libtorch/bound_module.h"
#include "libtorch/torch_network.h"

namespace {

using namespace genkidama;

/// Two hidden layers.
class Layers : public ActorCritic {
 public:
  Layers(const NetworkSpec& spec, int units) {
    first_ = register_module("first", torch::nn::Linear(spec.observation_size(), units));
    second_ = register_module("second", torch::nn::Linear(units, units));
    policy_ = register_module("policy", torch::nn::Linear(units, spec.policy));
    value_ = register_module("value", torch::nn::Linear(units, 1));
  }
  ActorCriticOutput forward(const torch::Tensor& observation) override {
    const auto features = torch::tanh(second_->forward(torch::tanh(first_->forward(observation))));
    return {policy_->forward(features), value_->forward(features).squeeze(-1)};
  }

 private:
  torch::nn::Linear first_{nullptr}, second_{nullptr}, policy_{nullptr}, value_{nullptr};
};

double microseconds_of(double seconds, const std::function<void()>& call) {
  for (int i = 0; i < 3; ++i) call();
  const auto begin = Clock::now();
  std::uint64_t calls = 0;
  double spent = 0;
  do {
    call();
    ++calls;
    spent = std::chrono::duration<double>(Clock::now() - begin).count();
  } while (spent < seconds);
  return 1e6 * spent / static_cast<double>(calls);
}

std::vector<float> uniform(std::size_t count, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform(-0.1, 0.1));
  return values;
}

void measure(const torch::Device& device, int units, std::size_t rows, double seconds) {
  const NetworkSpec spec{{8}, 4, 1};
  const auto near =
      torch_network([units](const NetworkSpec& s) { return std::make_shared<Layers>(s, units); })(spec, 1);
  const auto far = make_network_on(device, std::make_shared<Layers>(spec, units), spec);
  Random random(1);
  const auto weights = uniform(near->layout().size(), random);
  const auto observations = uniform(rows * 8, random), by_logits = uniform(rows * 4, random),
             by_values = uniform(rows, random);
  std::vector<float> logits(rows * 4), values(rows), gradient(weights.size());
  const auto near_policy = near->make_policy_function(), far_policy = far->make_policy_function();
  const auto near_gradient = near->make_gradient_function(), far_gradient = far->make_gradient_function();
  const auto play = [&](PolicyFunction& policy) {
    policy.logits_of_batch(weights, observations, rows, logits);
  };
  const auto learn = [&](GradientFunction& function) {
    function.forward(weights, observations, logits, values);
    function.backward(weights, by_logits, by_values, gradient);
  };
  const double in_place = microseconds_of(seconds, [&] { play(*near_policy); });
  play(*far_policy);
  const double kept = microseconds_of(seconds, [&] {
    far_policy->keep_weights();
    play(*far_policy);
  });
  const double copied = microseconds_of(seconds, [&] { play(*far_policy); });
  const double learnt_in_place = microseconds_of(seconds, [&] { learn(*near_gradient); });
  const double learnt = microseconds_of(seconds, [&] { learn(*far_gradient); });
  fmt::print("| {:>10} | {:>5} | {:>10.1f} | {:>10.1f} | {:>10.1f} | {:>12.1f} | {:>12.1f} |\n",
             weights.size(), rows, in_place, kept, copied, learnt_in_place, learnt);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string name = argc > 1 ? argv[1] : "cpu";
    const double seconds = argc > 2 ? std::stod(argv[2]) : 0.5;
    const torch::Device device = device_of(name);
    fmt::print("microseconds on {}\n", name);
    fmt::print("| {:>10} | {:>5} | {:>10} | {:>10} | {:>10} | {:>12} | {:>12} |\n", "weights", "rows",
               "in place", "kept", "copied", "gradient", "on device");
    fmt::print("|---|---|---|---|---|---|---|\n");
    for (const int units : {64, 1024, 3150}) {
      for (const std::size_t rows : {1, 32, 512}) measure(device, units, rows, seconds);
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "device_inference: {}\n", error.what());
    return 2;
  }
}
