#pragma once

/// @file
/// A network's forward and backward pass over a batch, as the workers use it while they learn.

#include <cstddef>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Computes from flat weights in the order of the network's ParameterLayout. It keeps what backward() needs,
/// so it is used by one thread. All arrays are row-major; `policy` and `values` are the sizes of the
/// NetworkSpec.
class GradientFunction {
 public:
  virtual ~GradientFunction() = default;

  /// Fills `logits` [n, policy] and `values` [n, values] for `observations` [n, observation size].
  virtual void forward(std::span<const float> weights, std::span<const float> observations,
                       std::span<float> logits, std::span<float> values) = 0;

  /// Overwrites `gradient` with the derivative of a loss by the weights, given the loss' derivatives by the
  /// logits [n, policy] and the values [n, values] of the latest forward(). The weights are those of that
  /// forward(), whose observations must still be there. Elements that belong to critics
  /// (genkidama/nn/critic_function.h) may be overwritten or not.
  virtual void backward(std::span<const float> weights, std::span<const float> logits_gradient,
                        std::span<const float> values_gradient, std::span<float> gradient) = 0;
};

}  // namespace genkidama
