#pragma once

/// @file
/// A network's forward pass for one observation, as the workers use it while they play.

#include <span>

namespace genkidama {

/// Computes from flat weights in the order of the network's ParameterLayout. May keep scratch memory: one
/// thread.
class PolicyFunction {
 public:
  virtual ~PolicyFunction() = default;

  /// Fills `logits` (action_count) for one observation.
  virtual void logits(std::span<const float> weights, std::span<const float> observation,
                      std::span<float> logits) = 0;

  /// The value of one observation.
  virtual float value(std::span<const float> weights, std::span<const float> observation) = 0;
};

}  // namespace genkidama
