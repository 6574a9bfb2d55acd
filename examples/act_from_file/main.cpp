// A robot's loop: load a trained policy and act. Nothing here trains, forks, starts threads or opens sockets.
#include <fmt/format.h>

#include <cstdio>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/rl/policy.h"

namespace {

int run(const char* file) {
  // The robot here is CartPole; yours is whatever reads sensors and moves motors.
  const std::unique_ptr<genkidama::Environment> robot = genkidama::make_cart_pole();
  // The file says which network it holds; a policy of another environment is refused.
  genkidama::Policy policy = genkidama::load_policy(file, {.environment = robot->spec()});

  genkidama::Observation observation = robot->reset(1);
  for (int step = 1;; ++step) {
    const genkidama::StepResult result = robot->step(policy.act(observation));
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
