#pragma once

/// @file
/// Whether actors wait for their learner, and what becomes of what they have played when it is slow.

#include <optional>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Whether actors wait for their learner. The learner chooses, and tells each actor in its welcome.
enum class ActorMode {
  /// Actors make rounds together: each waits until the round is over and was learnt from, so all steps of a
  /// round were played with the newest weights.
  kWaiting,
  /// Nobody waits: what an actor has played goes into the learner's queue, and the actor has played on
  /// meanwhile. Steps are then a few updates old when they are learnt from, for which V-trace corrects
  /// (Hyperparameters::vtrace).
  kAsynchronous,
};

/// The name of a mode: "waiting" or "asynchronous".
const char* actor_mode_name(ActorMode mode);
/// The mode of that name; nothing when there is none.
std::optional<ActorMode> actor_mode_of(std::string_view name);

/// What a learner does when the queue of asynchronous actors is full.
enum class FullQueue {
  kWait,        ///< an actor is answered when there is room again, and has to wait; nothing is dropped
  kDropOldest,  ///< the oldest in the queue is dropped and counted, and the actor answered at once
};

/// The name of what is done: "wait" or "drop-oldest".
const char* full_queue_name(FullQueue kind);
/// What that name stands for; nothing when there is none.
std::optional<FullQueue> full_queue_of(std::string_view name);

}  // namespace genkidama
