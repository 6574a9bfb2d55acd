// The bundled optimizers against LibTorch's.
#include "genkidama/nn/shared_optimizer.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "genkidama/core/random.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

constexpr std::size_t kParameters = 257;

/// Runs ours and LibTorch's side by side on the same gradients and returns the largest relative difference.
template <typename MakeReference>
double largest_difference(const OptimizerOptions& options, MakeReference make_reference, int steps) {
  Random random(3);
  std::vector<float> weights(kParameters);
  for (float& w : weights) w = static_cast<float>(random.uniform(-1, 1));
  auto tensor = torch::from_blob(weights.data(), {kParameters}).clone().requires_grad_(true);
  auto reference = make_reference(std::vector<torch::Tensor>{tensor});
  const auto ours = make_shared_optimizer(options);
  std::vector<float> state(ours->state_size(kParameters), 0.0f);
  std::vector<float> gradient(kParameters);
  double largest = 0;
  for (int step = 1; step <= steps; ++step) {
    for (float& g : gradient) g = static_cast<float>(random.uniform(-2, 2));
    tensor.mutable_grad() = torch::from_blob(gradient.data(), {kParameters}).clone();
    reference.step();
    ours->step(weights, gradient, state, static_cast<std::uint64_t>(step), options.learning_rate);
    const float* expected = tensor.data_ptr<float>();
    for (std::size_t i = 0; i < kParameters; ++i) {
      const double difference = std::abs(weights[i] - expected[i]);
      largest = std::max(largest, difference / std::max(1.0, std::abs(static_cast<double>(expected[i]))));
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("SharedSgd with one worker does what torch.optim.SGD does") {
  OptimizerOptions options;
  options.optimizer = "sgd";
  options.learning_rate = 1e-3;
  for (const double momentum : {0.0, 0.9}) {
    for (const double decay : {0.0, 1e-2}) {
      options.momentum = momentum;
      options.weight_decay = decay;
      const auto make = [&](std::vector<torch::Tensor> p) {
        return torch::optim::SGD(
            p, torch::optim::SGDOptions(options.learning_rate).momentum(momentum).weight_decay(decay));
      };
      REQUIRE(largest_difference(options, make, 1000) < 1e-6);
    }
  }
}

TEST_CASE("SharedRmsProp with one worker does what torch.optim.RMSprop does") {
  OptimizerOptions options;
  options.optimizer = "rmsprop";
  options.learning_rate = 1e-4;
  for (const double momentum : {0.0, 0.5}) {
    options.momentum = momentum;
    const auto make = [&](std::vector<torch::Tensor> p) {
      return torch::optim::RMSprop(p, torch::optim::RMSpropOptions(options.learning_rate)
                                          .alpha(options.rms_decay)
                                          .eps(options.denominator_epsilon)
                                          .weight_decay(options.weight_decay)
                                          .momentum(momentum));
    };
    REQUIRE(largest_difference(options, make, 1000) < 1e-6);
  }
}

TEST_CASE("SharedAdam with one worker does what torch.optim.Adam does") {
  OptimizerOptions options;
  options.optimizer = "adam";
  options.learning_rate = 1e-4;
  const auto make = [&](std::vector<torch::Tensor> p) {
    return torch::optim::Adam(p, torch::optim::AdamOptions(options.learning_rate)
                                     .betas({options.adam_beta1, options.adam_beta2})
                                     .eps(options.denominator_epsilon)
                                     .weight_decay(options.weight_decay));
  };
  REQUIRE(largest_difference(options, make, 1000) < 1e-6);
}

TEST_CASE("SharedAdam with decay of the weights does what torch.optim.AdamW does") {
  OptimizerOptions options;
  options.optimizer = "adamw";
  options.learning_rate = 1e-3;
  for (const double decay : {0.0, 1e-2, 0.5}) {
    options.weight_decay = decay;
    const auto make = [&](std::vector<torch::Tensor> p) {
      return torch::optim::AdamW(p, torch::optim::AdamWOptions(options.learning_rate)
                                        .betas({options.adam_beta1, options.adam_beta2})
                                        .eps(options.denominator_epsilon)
                                        .weight_decay(decay));
    };
    REQUIRE(largest_difference(options, make, 1000) < 1e-6);
  }
}
