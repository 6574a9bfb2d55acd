#pragma once

/// @file
/// A network's forward pass as the workers use it while they play: one observation for each of their
/// environments.

#include <cstddef>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Computes from flat weights in the order of the network's ParameterLayout. It may keep scratch memory, so
/// it is used by one thread.
class PolicyFunction {
 public:
  virtual ~PolicyFunction() = default;

  /// Fills `logits` (NetworkSpec::policy floats) for one observation. A Behaviour makes an action of them.
  virtual void logits(std::span<const float> weights, std::span<const float> observation,
                      std::span<float> logits) = 0;

  /// Fills `logits` [n, policy] for `n` observations [n, observation size]: those of all the environments
  /// that a worker plays at once. The default computes one after another.
  virtual void logits_of_batch(std::span<const float> weights, std::span<const float> observations,
                               std::size_t n, std::span<float> logits) {
    const std::size_t observation_size = observations.size() / n;
    const std::size_t output_count = logits.size() / n;
    for (std::size_t i = 0; i < n; ++i) {
      this->logits(weights, observations.subspan(i * observation_size, observation_size),
                   logits.subspan(i * output_count, output_count));
    }
  }

  /// The value of one observation, of a network with one value.
  virtual float value(std::span<const float> weights, std::span<const float> observation) = 0;

  /// Says that the next call is given the weights of the latest one, none of which has changed since. A
  /// function that computes on a device then need not copy them there again. By default nothing happens.
  virtual void keep_weights() {}
};

}  // namespace genkidama
