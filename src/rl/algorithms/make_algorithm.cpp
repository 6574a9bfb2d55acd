#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "genkidama/rl/algorithms.h"

namespace genkidama {

std::unique_ptr<Algorithm> make_algorithm(const Hyperparameters& hyperparameters) {
  if (hyperparameters.algorithm == "a3c") return a3c(hyperparameters);
  if (hyperparameters.algorithm == "ppo") return ppo(hyperparameters);
  throw ArgumentError(
      fmt::format("algorithm '{}' is unknown; expected a3c or ppo, or an algorithm of your own",
                  hyperparameters.algorithm));
}

}  // namespace genkidama
