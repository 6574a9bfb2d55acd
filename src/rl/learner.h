#pragma once

// What a worker does with the steps it has played: the place where a loss is plugged in.

#include <cstddef>
#include <memory>

#include "genkidama/core/random.h"
#include "genkidama/rl/hyperparameters.h"
#include "nn/local_network.h"
#include "rl/batch_pass.h"
#include "rl/rollout.h"

namespace genkidama {

/// The shared weights, as a learner sees them.
class SharedWeights {
 public:
  virtual ~SharedWeights() = default;
  /// One step of the shared optimizer with the gradient in the local network's flat array.
  virtual void apply_gradient(const LossTerms& terms) = 0;
  /// Copies the shared weights into the local network.
  virtual void pull() = 0;
};

/// Learns from segments of episodes. One per worker; may keep steps until the round's end.
class Learner {
 public:
  virtual ~Learner() = default;
  /// A segment is handed over after so many steps, or at the episode's end.
  virtual std::size_t segment_steps() const = 0;
  virtual void learn_segment(const Rollout& rollout) = 0;
  /// After the round's last segment. `random` is the round's own.
  virtual void learn_round(Random& random) = 0;
};

std::unique_ptr<Learner> make_learner(const Hyperparameters& hyperparameters, LocalNetwork& network,
                                      SharedWeights& shared);

}  // namespace genkidama
