// A robot's loop: load a trained policy and act. Nothing here trains, forks, starts threads or opens sockets.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/nn/networks.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/algorithm.h"

namespace {

int run(const char* file) {
  // The robot here is CartPole; yours is whatever reads sensors and moves motors.
  const std::unique_ptr<genkidama::Environment> robot = genkidama::make_cart_pole();
  const genkidama::NetworkSpec sizes = genkidama::actor_critic_network(robot->spec());

  // The network that was trained ("tuned" takes this one); a file with another one is refused.
  const std::unique_ptr<genkidama::Network> network = genkidama::mlp_network()(sizes, 0);
  const std::unique_ptr<genkidama::PolicyFunction> policy = network->make_policy_function();
  const std::vector<float> weights = genkidama::read_safetensors(file, network->layout()).weights;

  // Chooses as an evaluation does; Acting::kSampling samples instead.
  const std::unique_ptr<genkidama::Behaviour> behaviour = genkidama::categorical();
  genkidama::Random random(1);
  float log_probability = 0;
  std::vector<float> logits(static_cast<std::size_t>(sizes.policy)), action(1);
  genkidama::Observation observation = robot->reset(1);
  for (int step = 1;; ++step) {
    policy->logits(weights, observation, logits);
    behaviour->act(logits, genkidama::Acting::kGreedy, random, action, log_probability);
    const genkidama::StepResult result = robot->step(genkidama::Action(action));
    observation = result.observation;
    if (!result.terminated && !result.truncated) continue;
    fmt::print("balanced for {} steps\n", step);
    return result.truncated ? 0 : 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: act_from_file POLICY\nPOLICY: final.safetensors of a run of cart_pole\n");
    return 2;
  }
  try {
    return run(argv[1]);
  } catch (const genkidama::Error& error) {
    fmt::print(stderr, "act_from_file: {}\n", error.what());
    return 1;
  }
}
