#pragma once

// What a multi-layer perceptron is made of.

#include <vector>

#include "genkidama/nn/network_spec.h"
#include "genkidama/nn/networks.h"
#include "nn/dense_stack.h"
#include "nn/gru.h"

namespace genkidama {

/// Layer sizes, input first. In the flat weights the trunk's layers come first, then the memory, then the
/// policy's layers, then the value's.
struct MlpShape {
  std::vector<int> policy;
  std::vector<int> value;  ///< empty: the network has no value
  std::vector<int> trunk =
      {};  ///< the layers that both heads share; empty: none, the heads see the observation
  LayerStyle style = {};
  int critics = 0;               ///< stacks of an observation and an action, behind everything else
  int critic_actions = 0;        ///< floats of an action
  std::vector<int> critic = {};  ///< layer sizes of each critic; empty without critics
  GruShape memory = {};          ///< behind the trunk, or the first layer of all; no units: there is none

  DenseStack trunk_stack() const { return {trunk, true, style}; }
  DenseStack policy_stack() const { return {policy, false, style}; }
  DenseStack value_stack() const { return {value, false, style}; }
  DenseStack critic_stack() const { return {critic, false, style}; }
  std::size_t floats_before_critics() const {
    return trunk_stack().floats() + memory.floats() + policy_stack().floats() + value_stack().floats();
  }
};

/// The network of these options for a spec without free outputs and noise, which make_network() adds. Throws
/// ArgumentError where there is none of that kind.
MlpShape mlp_shape(const NetworkSpec& spec, const MlpOptions& options);

}  // namespace genkidama
