#pragma once

/// @file
/// A network's forward pass as the workers use it while they play: one observation for each of their
/// environments.

#include <cstddef>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Computes from flat weights in the order of the network's ParameterLayout. May keep scratch memory: one
/// thread.
class PolicyFunction {
 public:
  virtual ~PolicyFunction() = default;

  /// Fills `logits` (action_count) for one observation.
  virtual void logits(std::span<const float> weights, std::span<const float> observation,
                      std::span<float> logits) = 0;

  /// The same for `n` observations [n, observation_size] into `logits` [n, action_count]: those of all the
  /// environments that a worker plays at once. The default takes one after another.
  virtual void logits_of_batch(std::span<const float> weights, std::span<const float> observations,
                               std::size_t n, std::span<float> logits) {
    const std::size_t observation_size = observations.size() / n;
    const std::size_t action_count = logits.size() / n;
    for (std::size_t i = 0; i < n; ++i) {
      this->logits(weights, observations.subspan(i * observation_size, observation_size),
                   logits.subspan(i * action_count, action_count));
    }
  }

  /// The value of one observation.
  virtual float value(std::span<const float> weights, std::span<const float> observation) = 0;
};

}  // namespace genkidama
