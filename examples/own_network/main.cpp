// Your own network, made of LibTorch's modules: policy and value share a body. Only the file that defines a
// network includes LibTorch.
#include <fmt/format.h>

#include <memory>

#include "genkidama/env/cart_pole.h"
#include "genkidama/libtorch/actor_critic.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/evaluation.h"

namespace {

class SharedBody : public genkidama::ActorCritic {
 public:
  explicit SharedBody(const genkidama::NetworkSpec& spec)
      : body_(register_module("body", torch::nn::Linear(spec.observation_size(), 64))),
        policy_(register_module("policy", torch::nn::Linear(64, spec.policy))),
        value_(register_module("value", torch::nn::Linear(64, 1))) {}

  genkidama::ActorCriticOutput forward(const torch::Tensor& observation) override {
    const torch::Tensor features = torch::tanh(body_->forward(observation));
    return {policy_->forward(features), value_->forward(features).squeeze(-1)};
  }

 private:
  torch::nn::Linear body_;
  torch::nn::Linear policy_;
  torch::nn::Linear value_;
};

}  // namespace

int main() {
  genkidama::OrchestratorOptions options;
  options.workers = 2;
  options.hyperparameters.optimizer = "adam";
  options.hyperparameters.learning_rate = 2e-3;
  options.hyperparameters.weight_decay = 0;
  options.hyperparameters.gamma = 0.99;
  options.hyperparameters.reward_scale = 0.05;
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, genkidama::torch_network<SharedBody>(),
                                      options);
  for (const genkidama::TensorInfo& tensor : trainer.layout().tensors()) {
    fmt::print("{:14} {}\n", tensor.name, genkidama::shape_text(tensor.shape));
  }

  const double before = genkidama::run::evaluate(trainer, {.episodes = 50}).mean;
  for (int round = 0; round < 300; ++round) trainer.train_round();
  const double after = genkidama::run::evaluate(trainer, {.episodes = 50}).mean;
  fmt::print("mean return {:.0f} before, {:.0f} after {} steps\n", before, after,
             trainer.environment_steps());
  return after > 2 * before ? 0 : 1;
}
