#pragma once

/// @file
/// A network's forward and backward pass over a batch, as the workers use it while they learn.

#include <cstddef>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Computes from flat weights in the order of the network's ParameterLayout. Keeps what backward() needs: one
/// thread. All arrays are row-major.
class GradientFunction {
 public:
  virtual ~GradientFunction() = default;

  /// Fills `logits` [n, action_count] and `values` [n] for `observations` [n, observation_size].
  virtual void forward(std::span<const float> weights, std::span<const float> observations,
                       std::span<float> logits, std::span<float> values) = 0;

  /// Overwrites `gradient` with the derivative of a loss by the weights, given its derivatives by the logits
  /// [n, action_count] and values [n] of the latest forward(), with the same weights and observations, which
  /// must still be there.
  virtual void backward(std::span<const float> weights, std::span<const float> logits_gradient,
                        std::span<const float> values_gradient, std::span<float> gradient) = 0;
};

}  // namespace genkidama
