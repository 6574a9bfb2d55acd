#include "genkidama/rl/clip_gradient.h"

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {

double clip_gradient(std::span<float> gradient, double largest_norm) {
  const double norm = euclidean_norm(gradient);
  if (!is_finite(norm)) {
    throw WorkerError(
        "learning diverged: the gradient is not finite; a lower learning rate or a gradient-norm limit "
        "helps");
  }
  if (largest_norm <= 0 || norm <= largest_norm) return norm;
  const auto scale = static_cast<float>(largest_norm / norm);
  for (float& g : gradient) g *= scale;
  return norm;
}

}  // namespace genkidama
