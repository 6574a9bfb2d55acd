#include "rl/learner.h"

#include <algorithm>
#include <cmath>

#include "genkidama/core/error.h"
#include "rl/a3c_learner.h"
#include "rl/ppo_learner.h"

namespace genkidama {

std::unique_ptr<Learner> make_learner(const Hyperparameters& hyperparameters, LocalNetwork& network,
                                      SharedWeights& shared) {
  if (hyperparameters.loss == Loss::kPpo)
    return std::make_unique<PpoLearner>(hyperparameters, network, shared);
  return std::make_unique<A3cLearner>(hyperparameters, network, shared);
}

void compute_gradient(LocalNetwork& network, const torch::Tensor& loss, double max_norm) {
  const auto gradient = network.gradient();
  std::fill(gradient.begin(), gradient.end(), 0.0f);
  loss.backward();
  network.check_bound();
  double squares = 0;
  for (const float g : gradient) squares += static_cast<double>(g) * g;
  const double norm = std::sqrt(squares);
  if (!std::isfinite(norm)) {
    throw WorkerError(
        "learning diverged: the gradient is not finite; a lower learning rate or a gradient-norm limit "
        "helps");
  }
  if (max_norm <= 0 || norm <= max_norm) return;
  const auto scale = static_cast<float>(max_norm / norm);
  for (float& g : gradient) g *= scale;
}

}  // namespace genkidama
