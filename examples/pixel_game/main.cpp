// A convolutional network, made of LibTorch's modules, that learns a game from its pixels. The program has
// all commands and flags of lunar_lander: pixel_game train --max-steps 5000000 --run-dir runs/pixels
#include <memory>

#include "genkidama/cli/program.h"
#include "genkidama/env/lamplighter.h"
#include "genkidama/libtorch/actor_critic.h"

namespace {

class PixelNetwork : public genkidama::ActorCritic {
 public:
  explicit PixelNetwork(const genkidama::NetworkSpec& spec) {
    // An observation is an image {channels, height, width}; a 3 x 3 kernel without padding takes a border of
    // one off.
    const int channels = spec.observation.at(0), height = spec.observation.at(1),
              width = spec.observation.at(2);
    constexpr int kFilters = 16, kUnits = 64;
    look_ = register_module("look", torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, kFilters, 3)));
    think_ = register_module("think", torch::nn::Linear(kFilters * (height - 2) * (width - 2), kUnits));
    policy_ = register_module("policy", torch::nn::Linear(kUnits, spec.policy));
    value_ = register_module("value", torch::nn::Linear(kUnits, 1));
  }

  genkidama::ActorCriticOutput forward(const torch::Tensor& images) override {
    const torch::Tensor seen = torch::relu(look_->forward(images)).flatten(1);
    const torch::Tensor thought = torch::relu(think_->forward(seen));
    return {policy_->forward(thought), value_->forward(thought).squeeze(-1)};
  }

 private:
  torch::nn::Conv2d look_{nullptr};
  torch::nn::Linear think_{nullptr}, policy_{nullptr}, value_{nullptr};
};

}  // namespace

int main(int argc, char** argv) {
  genkidama::cli::Program program;
  program.name = "pixel_game";
  program.environment = genkidama::make_lamplighter;
  program.network = genkidama::torch_network<PixelNetwork>();
  return genkidama::cli::main(argc, argv, program);
}
