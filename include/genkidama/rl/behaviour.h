#pragma once

/// @file
/// How the outputs of a network become actions, and how probable those actions were.

#include <memory>
#include <span>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What an action is chosen for.
enum class Acting {
  kExploring,  ///< collecting experience: sampled from the policy, with the exploration that was configured
  kSampling,   ///< sampled from the policy, without further exploration
  kGreedy      ///< the likeliest action
};

/// Chooses actions. A behaviour is used by one thread.
class Behaviour {
 public:
  virtual ~Behaviour() = default;

  /// Fills `action` (the action space's width) from the policy's outputs for one observation, which are
  /// finite. `log_probability` becomes the logarithm of the probability with which this way of acting chooses
  /// that action (of its density where the action is continuous); it is 0 for a greedy action.
  virtual void act(std::span<const float> outputs, Acting acting, Random& random, std::span<float> action,
                   float& log_probability) const = 0;
};

/// The distribution that a policy's outputs stand for, over a batch and with its derivatives: what a policy
/// gradient needs. All arrays are row-major. A distribution is used by one thread.
class ActionDistribution {
 public:
  virtual ~ActionDistribution() = default;

  /// Fills `log_probabilities` [n] with those of `actions` [n, action width] under `outputs` [n, policy].
  /// Both must stay until backward().
  virtual void evaluate(std::span<const float> outputs, std::span<const float> actions,
                        std::span<float> log_probabilities) = 0;

  /// Overwrites `by_outputs` [n, policy] with a loss' derivatives by the outputs of the latest evaluate(),
  /// given its derivative by the log-probability of each action [n], and by the entropy of each row, which is
  /// the same for all. Returns the mean entropy in nats.
  virtual double backward(std::span<const float> by_log_probability, float by_entropy,
                          std::span<float> by_outputs) = 0;
};

/// Chooses one of as many actions as there are outputs, from the softmax of the outputs. Exploring, any
/// action is taken with chance `epsilon` (thesis, Algorithm 1, lines 10 to 14). The greedy action is the
/// first of the largest outputs.
std::unique_ptr<Behaviour> categorical(double epsilon = 0);

/// The softmax of `output_count` outputs, which categorical() samples from without its epsilon.
std::unique_ptr<ActionDistribution> categorical_distribution(int output_count);

}  // namespace genkidama
