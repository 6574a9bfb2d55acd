#pragma once

/// @file
/// Where a learner's gradients go and where its weights come from.

#include <cstdint>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What one optimizer step tells about learning. Each field is a mean over the step's batch, and 0 where an
/// algorithm has no such figure.
struct LearningStatistics {
  double policy_loss = 0;  ///< the policy's part of the loss
  double value_loss = 0;   ///< mean of (R - V)^2, or of PPO's clipped one, without its weight in the loss
  double entropy = 0;      ///< of the policy, in nats
  /// PPO's estimate of how far the policy moved from the one that collected the steps: mean of r - 1 - log r,
  /// with r the probability ratio (Schulman 2020, "Approximating KL divergence").
  double approximate_kl = 0;
  double clip_fraction = 0;  ///< share of PPO's steps whose probability ratio lies outside the clip range
  double explained_variance = 0;  ///< 1 - Var(R - V) / Var(R): 1 where values tell the returns exactly
  double gradient_norm = 0;       ///< L2 norm of the gradient before it was clipped
  double deviation = 0;  ///< ActionDistribution::deviation(): how widely continuous components are drawn
  /// How wrong dyna_q's world model is about steps that it has not learnt from: its mean squared error over
  /// that of predicting no change and the mean reward.
  double model_error = 0;
  double imagined = 0;  ///< share of the steps that learnt from what a world model imagined
};

/// Takes gradients and gives weights. Each worker has one such object, which only the worker's thread uses.
class GradientSink {
 public:
  virtual ~GradientSink() = default;

  /// Hands over one gradient, as many floats as the network has weights, for one optimizer step, together
  /// with what is reported about that step. The gradient may be reused after the call.
  virtual void apply(std::span<const float> gradient, const LearningStatistics& statistics) = 0;

  /// Overwrites `weights` with the newest ones.
  virtual void pull(std::span<float> weights) = 0;

  /// Optimizer steps that the weights of the latest pull() had seen.
  virtual std::uint64_t policy_version() const = 0;

  /// The share of the hyperparameters' schedules that is over: environment steps that were learnt from, over
  /// schedule_steps. It goes on above 1; 0 where nothing has a schedule.
  virtual double schedule_done() const { return 0; }

  /// Environment steps of this machine that were learnt from, or stored to learn from, since the run began; 0
  /// where nobody counts.
  virtual std::uint64_t environment_steps() const { return 0; }

  /// Whether the program is stopping and its time is used up. A learner that goes over its steps several
  /// times asks after each optimizer step, and stops learning when this is true.
  virtual bool out_of_time() { return false; }
};

}  // namespace genkidama
