#pragma once

/// @file
/// Critics: the part of a network that says how good a continuous action is.

#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Estimates the return of an observation together with an action, by NetworkSpec::critics critics that share
/// no weights with each other or with the policy. It computes from flat weights in the order of the network's
/// ParameterLayout, and keeps what the backward passes need, so it is used by one thread. All arrays are
/// row-major. Actions are in the unit in which the algorithm learns them.
class CriticFunction {
 public:
  virtual ~CriticFunction() = default;

  /// Fills `values` [critics, n] for `observations` [n, observation size] and `actions` [n, action].
  virtual void forward(std::span<const float> weights, std::span<const float> observations,
                       std::span<const float> actions, std::span<float> values) = 0;

  /// Overwrites those elements of `gradient` that belong to critics with the derivatives of a loss, given its
  /// derivatives by the values [critics, n] of the latest forward(), and leaves the others as they are. The
  /// weights are those of that forward().
  virtual void backward(std::span<const float> weights, std::span<const float> by_values,
                        std::span<float> gradient) = 0;

  /// Overwrites `by_actions` [n, action] with the loss' derivatives by the actions of the latest forward(),
  /// in the same way.
  virtual void backward_to_actions(std::span<const float> weights, std::span<const float> by_values,
                                   std::span<float> by_actions) = 0;
};

}  // namespace genkidama
