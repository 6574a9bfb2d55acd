#include "rl/learner.h"

#include <algorithm>
#include <cmath>

#include "genkidama/core/error.h"
#include "rl/a3c_learner.h"
#include "rl/ppo_learner.h"

namespace genkidama {
namespace {

void clip_norm(std::span<float> gradient, double largest) {
  double squares = 0;
  for (const float g : gradient) squares += static_cast<double>(g) * g;
  const double norm = std::sqrt(squares);
  if (!std::isfinite(norm)) {
    throw WorkerError(
        "learning diverged: the gradient is not finite; a lower learning rate or a gradient-norm limit "
        "helps");
  }
  if (largest <= 0 || norm <= largest) return;
  const auto scale = static_cast<float>(largest / norm);
  for (float& g : gradient) g *= scale;
}

}  // namespace

std::unique_ptr<Learner> make_learner(const Hyperparameters& hyperparameters, LocalNetwork& network,
                                      SharedWeights& shared) {
  if (hyperparameters.loss == Loss::kPpo)
    return std::make_unique<PpoLearner>(hyperparameters, network, shared);
  return std::make_unique<A3cLearner>(hyperparameters, network, shared);
}

LossTerms backpropagate(LocalNetwork& network, const Hyperparameters& hyperparameters,
                        const torch::Tensor& policy, const torch::Tensor& value,
                        const torch::Tensor& entropy) {
  auto loss = policy + hyperparameters.value_weight * value;
  if (hyperparameters.entropy_weight > 0) loss = loss - hyperparameters.entropy_weight * entropy;
  const auto gradient = network.gradient();
  std::fill(gradient.begin(), gradient.end(), 0.0f);
  loss.backward();
  network.check_bound();
  clip_norm(gradient, hyperparameters.max_gradient_norm);
  return {policy.item<double>(), value.item<double>(), entropy.item<double>()};
}

}  // namespace genkidama
