#pragma once

/// @file
/// The forward and backward pass of one batch through a network with a policy and a value. All policy
/// gradients have this in common.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/params/segment.h"
#include "genkidama/rl/behaviour.h"
#include "genkidama/rl/gradient_sink.h"
#include "genkidama/rl/hyperparameters.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A pass keeps its buffers from batch to batch, so it allocates nothing once they are large enough. It is
/// used by one thread.
class ActorCriticPass {
 public:
  /// Takes value_weight, value_clip_range, entropy_weight and max_gradient_norm from the hyperparameters.
  /// `network` has one value and outlives the pass.
  ActorCriticPass(const Hyperparameters& hyperparameters, LocalNetwork& network,
                  std::unique_ptr<ActionDistribution> distribution);

  /// Computes values() and log_probabilities() of `n` steps. `observations` [n, observation size], `actions`
  /// [n, action width] and `masks` [n, alternatives], which may be empty, must stay until backpropagate().
  void evaluate(std::span<const float> observations, std::span<const float> actions, ActionMask masks,
                std::size_t n);

  /// The same for the steps of a segment, of a network with or without memory. `states` [n, state size]
  /// receives the state before each step; it may be empty.
  void evaluate(const Segment& segment, std::span<float> states = {});

  /// The same for sequences of a network with memory.
  void evaluate(const Sequences& sequences, std::span<const float> actions, ActionMask masks,
                std::span<float> states = {});

  /// V of each observation, [n].
  std::span<const float> values() const { return values_; }
  /// log pi(a|s) of each step, [n].
  std::span<const float> log_probabilities() const { return log_probabilities_; }

  /// Replaces the hyperparameters' entropy_weight, which may have a schedule.
  void set_entropy_weight(double weight) { hyperparameters_.entropy_weight = weight; }

  /// Writes the network's gradient, clipped to max_gradient_norm, of
  ///   policy loss + value_weight mean((R - V)^2) - entropy_weight mean(H).
  /// `policy_gradient` [n] holds the policy loss' derivative by log pi(a|s) of each step. `old_values` [n]
  /// are the values that the same observations had when the steps were collected. With them and a
  /// value_clip_range c, the larger one of (R - V)^2 and (R - V_old - clamp(V - V_old, -c, c))^2 stands for
  /// (R - V)^2 (Engstrom et al. 2020, "Implementation Matters in Deep Policy Gradients", section 3). Returns
  /// the statistics that follow: value loss, entropy, explained variance, gradient norm and deviation. Throws
  /// WorkerError when the gradient is not finite.
  LearningStatistics backpropagate(std::span<const float> returns, std::span<const float> policy_gradient,
                                   std::span<const float> old_values = {});

 private:
  Hyperparameters hyperparameters_;
  LocalNetwork& network_;
  std::size_t segment_size_ = 0;  ///< the length of the only sequence
  std::unique_ptr<ActionDistribution> distribution_;
  std::size_t output_count_;
  std::vector<float> outputs_;
  std::vector<float> values_;
  std::vector<float> log_probabilities_;
  std::vector<float> outputs_gradient_;
  std::vector<float> values_gradient_;
};

}  // namespace genkidama
