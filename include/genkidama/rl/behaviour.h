#pragma once

/// @file
/// How the outputs of a network become actions.

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

/// Chooses actions. Used by one thread.
class Behaviour {
 public:
  virtual ~Behaviour() = default;

  /// Fills `action` (the action space's width) from the policy's outputs for one observation, which are
  /// finite. `log_probability` becomes the logarithm of the probability with which this way of acting chooses
  /// that action (of its density where the action is continuous); it is 0 for a greedy action.
  virtual void act(std::span<const float> outputs, Acting acting, Random& random, std::span<float> action,
                   float& log_probability) const = 0;
};

/// Chooses one of as many actions as there are outputs, from the softmax of the outputs. Exploring, any
/// action is taken with chance `epsilon` (thesis, Algorithm 1, lines 10 to 14). The greedy action is the
/// first of the largest outputs.
std::unique_ptr<Behaviour> categorical(double epsilon = 0);

}  // namespace genkidama
