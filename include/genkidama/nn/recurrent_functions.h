#pragma once

/// @file
/// The functions of a network with memory: what plays carries its state from step to step, and what learns
/// takes sequences of steps.

#include <cstddef>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The forward pass of a network with memory as the workers use it while they play. It computes from flat
/// weights in the order of the network's ParameterLayout. It remembers nothing between two calls: a state
/// lies with whoever plays, and is all zeros at an episode's start. It may keep scratch memory, so it is used
/// by one thread.
class RecurrentPolicyFunction {
 public:
  virtual ~RecurrentPolicyFunction() = default;

  /// Fills `outputs` [n, policy] for `n` observations [n, observation size], each of an episode of its own.
  /// `states` [n, Network::state_size()] are those before the observations, and become those after them.
  virtual void step(std::span<const float> weights, std::span<const float> observations, std::size_t n,
                    std::span<float> states, std::span<float> outputs) = 0;

  /// The value of one observation after `state`, of a network with one value.
  virtual float value(std::span<const float> weights, std::span<const float> observation,
                      std::span<const float> state) = 0;
};

/// Consecutive steps of episodes, one sequence behind the other. No sequence goes on over an episode's end.
struct Sequences {
  std::span<const float> observations;   ///< [steps of all sequences, observation size]
  std::span<const std::size_t> lengths;  ///< steps of each sequence, each >= 1
  std::span<const float> first_states;  ///< [sequences, state size], before each sequence's first observation

  /// Steps of all sequences.
  std::size_t steps() const {
    std::size_t sum = 0;
    for (const std::size_t length : lengths) sum += length;
    return sum;
  }
};

/// The forward and backward pass of a network with memory over a batch of sequences. It keeps what backward()
/// needs, so it is used by one thread. All arrays are row-major; rows are in the order of the sequences.
class SequenceGradientFunction {
 public:
  virtual ~SequenceGradientFunction() = default;

  /// Fills `outputs` [steps, policy] and `values` [steps, values]. `states` [steps, state size] receives the
  /// state before each step; it may be empty.
  virtual void forward(std::span<const float> weights, const Sequences& sequences, std::span<float> outputs,
                       std::span<float> values, std::span<float> states = {}) = 0;

  /// Overwrites `gradient` with the derivative of a loss by the weights, given the loss' derivatives by the
  /// outputs [steps, policy] and the values [steps, values] of the latest forward(). It goes back through
  /// time to each sequence's first step; the first states are constants. The weights are those of that
  /// forward().
  virtual void backward(std::span<const float> weights, std::span<const float> outputs_gradient,
                        std::span<const float> values_gradient, std::span<float> gradient) = 0;
};

}  // namespace genkidama
