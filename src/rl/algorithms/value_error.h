#pragma once

// The error of a network's only value for demonstrated returns.

#include <cstddef>
#include <span>

#include "genkidama/rl/imitation_loss.h"

namespace genkidama {

/// The sum over the batch of weight (V - return)^2; fills its derivatives divided by n.
inline double value_error(const ImitationBatch& batch, std::span<float> by_values) {
  double sum = 0;
  for (std::size_t t = 0; t < batch.n; ++t) {
    const float weight = batch.value_weights[t];
    const float error = batch.values[t] - batch.returns[t];
    by_values[t] = 2 * weight * error / static_cast<float>(batch.n);
    sum += static_cast<double>(weight * error * error);
  }
  return sum;
}

}  // namespace genkidama
