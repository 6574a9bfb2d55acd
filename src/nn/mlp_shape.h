#pragma once

// What a multi-layer perceptron is made of.

#include <vector>

#include "nn/dense_stack.h"

namespace genkidama {

/// Layer sizes, input first. In the flat weights the trunk's layers come first, then the policy's, then the
/// value's.
struct MlpShape {
  std::vector<int> policy;
  std::vector<int> value;
  std::vector<int> trunk =
      {};  ///< the layers that both heads share; empty: none, the heads see the observation
  LayerStyle style = {};

  DenseStack trunk_stack() const { return {trunk, true, style}; }
  DenseStack policy_stack() const { return {policy, false, style}; }
  DenseStack value_stack() const { return {value, false, style}; }
};

}  // namespace genkidama
