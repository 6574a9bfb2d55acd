#include "genkidama/rl/exploration.h"

#include <cmath>

namespace genkidama {

double exploration_epsilon(const Hyperparameters& hyperparameters, std::uint64_t environment_steps,
                           int worker, int workers) {
  double epsilon = hyperparameters.epsilon;
  if (environment_steps < hyperparameters.epsilon_steps) {
    const double done =
        static_cast<double>(environment_steps) / static_cast<double>(hyperparameters.epsilon_steps);
    epsilon = hyperparameters.first_epsilon + (epsilon - hyperparameters.first_epsilon) * done;
  }
  if (hyperparameters.epsilon_ladder == 0 || workers < 2) return epsilon;
  return std::pow(epsilon, 1 + hyperparameters.epsilon_ladder * worker / (workers - 1));
}

}  // namespace genkidama
