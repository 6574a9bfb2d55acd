#pragma once

/// @file
/// The interface of the object that learns from the steps a worker has played.

#include <cstddef>
#include <span>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/params/segment.h"
#include "genkidama/rl/gradient_sink.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Learns from segments of episodes. There is one learner per worker, used by the worker's thread. It may
/// keep steps until the round's end, but not beyond: what a learner keeps is in no checkpoint.
class Learner {
 public:
  virtual ~Learner() = default;

  /// Called before the round's first step, when the network has the round's first weights. Whatever is random
  /// before learn_round() follows from `random`, the round's own generator. The default does nothing.
  virtual void begin_round(const Random& random) { static_cast<void>(random); }

  /// The length of a segment in steps. A shorter segment is handed over when its episode ends.
  virtual std::size_t segment_steps() const = 0;

  /// Learns from a segment, or keeps it for learn_round(). The segment is cleared after the call.
  virtual void learn_segment(const Segment& segment) = 0;

  /// Called after the round's last segment. Whatever is random follows from `random`, the round's own
  /// generator.
  virtual void learn_round(Random& random) = 0;
};

/// Learns beside the workers while these play and learn. One thread uses it.
class Helper {
 public:
  virtual ~Helper() = default;

  /// Called when a round begins, when the network has the newest weights. As Learner::begin_round().
  virtual void begin_round(const Random& random) = 0;

  /// Does one piece of work, such as an optimizer step. Returns false when there is none at the moment; it is
  /// then called again after a moment, until all workers have ended the round.
  virtual bool help() = 0;
};

/// What a learner works with. All of it outlives the learner.
struct LearnerContext {
  const EnvironmentSpec& environment;  ///< completed()
  LocalNetwork& network;               ///< the weights that the worker plays with, and their gradient
  GradientSink& sink;                  ///< takes gradients and gives weights
  std::span<float> shared_state;       ///< Algorithm::shared_state_size() floats that all workers share
  /// Steps of all workers of this machine, stored before learn_segment() is called with them; null without a
  /// replay buffer. Observations and rewards in it are the environment's own, and actions are what the
  /// environment was given. ReplayLearner (genkidama/rl/replay_learner.h) learns from it.
  ReplayBuffer* replay = nullptr;
  int worker = 0;   ///< this worker's number on its machine, from 0: its share of the replay buffer
  int workers = 1;  ///< how many workers of the machine learn
};

}  // namespace genkidama
