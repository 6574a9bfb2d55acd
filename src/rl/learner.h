#pragma once

// What a worker does with the steps it has played: the place where a loss is plugged in.

#include <cstddef>
#include <memory>

#include "genkidama/core/random.h"
#include "genkidama/rl/gradient_sink.h"
#include "genkidama/rl/hyperparameters.h"
#include "genkidama/rl/segment.h"
#include "nn/local_network.h"

namespace genkidama {

/// Learns from segments of episodes. One per worker; may keep steps until the round's end.
class Learner {
 public:
  virtual ~Learner() = default;
  /// A segment is handed over after this many steps, or at the episode's end.
  virtual std::size_t segment_steps() const = 0;
  virtual void learn_segment(const Segment& segment) = 0;
  /// After the round's last segment. `random` is the round's own.
  virtual void learn_round(Random& random) = 0;
};

std::unique_ptr<Learner> make_learner(const Hyperparameters& hyperparameters, LocalNetwork& network,
                                      GradientSink& sink);

}  // namespace genkidama
