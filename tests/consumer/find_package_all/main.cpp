// A program with a network of one's own. Run without arguments, it trains a few rounds and looks at what came
// of it.
#include <filesystem>
#include <iostream>
#include <memory>

#include "genkidama/cli/program.h"
#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/libtorch/actor_critic.h"
#include "genkidama/params/safetensors.h"

namespace {

class OneLayer : public genkidama::ActorCritic {
 public:
  explicit OneLayer(const genkidama::NetworkSpec& spec)
      : policy_(register_module("policy", torch::nn::Linear(spec.observation_size(), spec.policy))),
        value_(register_module("value", torch::nn::Linear(spec.observation_size(), 1))) {}

  genkidama::ActorCriticOutput forward(const torch::Tensor& observation) override {
    return {policy_->forward(observation), value_->forward(observation).squeeze(-1)};
  }

 private:
  torch::nn::Linear policy_;
  torch::nn::Linear value_;
};

int run(const genkidama::cli::Program& program) {
  std::filesystem::remove_all("run");
  const char* arguments[] = {"agent", "train",     "--workers", "2",    "--updates",
                             "3",     "--run-dir", "run",       nullptr};
  const int code = genkidama::cli::main(8, const_cast<char**>(arguments), program);
  if (code != 0) return code;
  const auto checkpoint = genkidama::read_safetensors("run/final.safetensors");
  const auto& tensors = checkpoint.layout.tensors();
  return tensors.size() == 4 && tensors[0].name == "policy.weight" ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  genkidama::cli::Program program;
  program.name = "agent";
  program.environment = genkidama::make_cart_pole;
  program.network = genkidama::torch_network<OneLayer>();
  const int code = argc > 1 ? genkidama::cli::main(argc, argv, program) : run(program);

  try {
    genkidama::torch_network(nullptr);
    std::cout << "torch_network(nullptr) was accepted\n";
    return 1;
  } catch (const genkidama::ArgumentError&) {
    // Thrown by one shared library, its type information in another.
  }
  return code;
}
