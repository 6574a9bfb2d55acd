#pragma once

/// @file
/// What an algorithm minimises to act as somebody else has acted. Implement it for an algorithm of your own
/// that is to begin with demonstrations.

#include <cstddef>
#include <span>

#include "genkidama/core/export.h"
#include "genkidama/env/action_space.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a network gave for `n` demonstrated steps, and what was done there. All arrays are row-major.
struct ImitationBatch {
  std::size_t n = 0;               ///< steps
  std::span<const float> outputs;  ///< [n, policy]
  std::span<const float> values;   ///< [n, values]; empty where the network has none
  std::span<const float> actions;  ///< [n, action width]: what the environment was given
  ActionMask masks{};              ///< [n, alternatives], or empty: everything was allowed
  std::span<const float> returns;  ///< [n]: discounted, in scaled rewards; 0 where the return is not known
  /// [n]: what the error of each row's value counts by; 0 where the return is not known.
  std::span<const float> value_weights;
};

/// The losses of a batch, each a sum over its steps.
struct ImitationFigures {
  double policy = 0;  ///< of the actions
  double value = 0;   ///< of the returns, weighted
};

/// A loss and its derivatives by a network's outputs. Used by one thread.
class ImitationLoss {
 public:
  virtual ~ImitationLoss() = default;

  /// Returns the losses of the batch, and overwrites `by_outputs` [n, policy] and `by_values` [n, values]
  /// with the derivatives of their sum divided by n.
  virtual ImitationFigures compute(const ImitationBatch& batch, std::span<float> by_outputs,
                                   std::span<float> by_values) = 0;
};

}  // namespace genkidama
