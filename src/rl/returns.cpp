#include "genkidama/rl/returns.h"

#include <cstddef>

namespace genkidama {

void n_step_returns(std::span<const float> rewards, float bootstrap, double gamma, std::span<float> returns) {
  double running = bootstrap;
  for (std::size_t i = rewards.size(); i-- > 0;) {
    running = rewards[i] + gamma * running;
    returns[i] = static_cast<float>(running);
  }
}

void generalised_advantages(std::span<const float> rewards, std::span<const float> values, float bootstrap,
                            double gamma, double lambda, std::span<float> advantages) {
  double advantage = 0;
  double next_value = bootstrap;
  for (std::size_t i = rewards.size(); i-- > 0;) {
    const double delta = rewards[i] + gamma * next_value - values[i];
    advantage = delta + gamma * lambda * advantage;
    advantages[i] = static_cast<float>(advantage);
    next_value = values[i];
  }
}

}  // namespace genkidama
