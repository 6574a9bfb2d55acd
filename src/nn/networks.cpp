#include "genkidama/nn/networks.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/nn/actor_critic.h"
#include "nn/mlp_gradient_function.h"
#include "nn/mlp_policy_function.h"

namespace genkidama {
namespace {

/// Two separate heads of linear layers with tanh between them.
class Mlp : public ActorCritic {
 public:
  Mlp(const EnvironmentSpec& spec, const std::vector<int>& hidden) {
    std::vector<int> policy_sizes{spec.observation_size};
    policy_sizes.insert(policy_sizes.end(), hidden.begin(), hidden.end());
    std::vector<int> value_sizes = policy_sizes;
    policy_sizes.push_back(spec.action_count);
    value_sizes.push_back(1);
    add_head("pi", policy_sizes, policy_);
    add_head("v", value_sizes, value_);
    shape_ = {policy_sizes, value_sizes};
  }

  ActorCriticOutput forward(const torch::Tensor& observation) override {
    return {run(policy_, observation), run(value_, observation).squeeze(-1)};
  }

  std::unique_ptr<PolicyFunction> make_policy_function() const override {
    return make_mlp_policy_function(shape_);
  }

  std::unique_ptr<GradientFunction> make_gradient_function() const override {
    return make_mlp_gradient_function(shape_);
  }

  void initialise_normal() {
    const torch::NoGradGuard no_grad;
    for (auto* head : {&policy_, &value_}) {
      for (auto& layer : *head) {
        layer->weight.normal_(0.0, 0.1);
        layer->bias.zero_();
      }
    }
  }

  void initialise_orthogonal() {
    const torch::NoGradGuard no_grad;
    for (auto* head : {&policy_, &value_}) {
      for (std::size_t i = 0; i < head->size(); ++i) {
        const bool last = i + 1 == head->size();
        const double gain = !last ? std::sqrt(2.0) : head == &policy_ ? 0.01 : 1.0;
        torch::nn::init::orthogonal_((*head)[i]->weight, gain);
        (*head)[i]->bias.zero_();
      }
    }
  }

 private:
  using Layers = std::vector<torch::nn::Linear>;

  void add_head(const std::string& prefix, const std::vector<int>& sizes, Layers& layers) {
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      layers.push_back(
          register_module(fmt::format("{}{}", prefix, i + 1), torch::nn::Linear(sizes[i], sizes[i + 1])));
    }
  }

  static torch::Tensor run(Layers& layers, torch::Tensor x) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      x = layers[i]->forward(x);
      if (i + 1 < layers.size()) x = torch::tanh(x);
    }
    return x;
  }

  Layers policy_;
  Layers value_;
  MlpShape shape_;
};

}  // namespace

NetworkFactory thesis_network() {
  return [](const EnvironmentSpec& spec) -> std::shared_ptr<ActorCritic> {
    auto network = std::make_shared<Mlp>(spec, std::vector<int>{128});
    network->initialise_normal();
    return network;
  };
}

NetworkFactory mlp_network(const MlpOptions& options) {
  for (const int units : options.hidden) {
    if (units < 1) throw ArgumentError(fmt::format("a hidden layer of {} units; expected at least 1", units));
  }
  return [options](const EnvironmentSpec& spec) -> std::shared_ptr<ActorCritic> {
    auto network = std::make_shared<Mlp>(spec, options.hidden);
    if (options.orthogonal) {
      network->initialise_orthogonal();
    } else {
      network->initialise_normal();
    }
    return network;
  };
}

}  // namespace genkidama
