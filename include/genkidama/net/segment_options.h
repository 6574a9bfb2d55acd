#pragma once

/// @file
/// How a Parent that learns shares the work out among its actors, and what they give to it.

#include <cstdint>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/net/round_contribution.h"
#include "genkidama/params/actor_mode.h"
#include "genkidama/params/segment.h"
#include "genkidama/params/segment_counts.h"
#include "genkidama/params/segment_limits.h"
#include "genkidama/wire/segments.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a Parent whose exchange is ExchangeKind::kSegments asks its actors for. RoundOptions says when a
/// round is over, and its `max_staleness` how old the weights may be that a segment was played with: older
/// segments are dropped and counted.
struct SegmentOptions {
  SegmentShape shape;             ///< of the learner's segments; an actor with another shape is refused
  std::uint64_t round_steps = 0;  ///< environment steps of a round, >= 1
  /// true: all actors together play `round_steps`, so that a round is as long as that of one machine. false:
  /// each of them does, so that rounds grow with the number of actors.
  bool divide = true;
  /// kAsynchronous: each actor is answered at once with the newest weights, and a round is over when the
  /// queue holds `round_steps` steps; RoundOptions has then no effect but for `max_staleness`.
  ActorMode mode = ActorMode::kWaiting;
  /// kAsynchronous: the queue holds the steps of so many rounds, >= 1, beside the round that is learnt from.
  std::uint64_t queued_rounds = 1;
  FullQueue when_full = FullQueue::kWait;  ///< kAsynchronous: what happens when the queue is full
  /// kAsynchronous: the queue is full, too, when what is in it takes so many bytes; the segments of one round
  /// must fit. It is then learnt from, however few steps it has. The batch that fills it may exceed the
  /// limit.
  std::size_t queue_bytes = kMostSegmentBytes;
};

/// What one actor has given to a round. With asynchronous actors, one of the batches that it has given.
struct SegmentContribution {
  RoundContribution told;  ///< who gave it; `dropped`: nothing of it is learnt from
  SegmentBatch batch;      ///< without the segments that were too old
  /// Of `batch`, and of the segments that were too old and are not in it; `queue_dropped_steps` is 0.
  SegmentCounts counts{};
};

/// A round that is over, for the learner; with asynchronous actors, what the learner takes from its queue at
/// once. Policy lag counts updates between the weights that a segment was
/// played with and those that learn from it.
struct SegmentRound {
  /// In the order of names, or of asynchronous actors in the order in which they came.
  std::vector<SegmentContribution> contributions;
  /// From the first contribution to the end of the round; of asynchronous actors, how long the oldest batch
  /// has lain in the queue.
  double waited_seconds = 0;
  bool by_deadline = false;  ///< a deadline has ended the round
  /// Steps that were played, and dropped here since the round before: a full queue has dropped its oldest, or
  /// an actor has left for good before its round was over.
  std::uint64_t dropped_steps = 0;
  std::uint64_t queued_steps = 0;  ///< that are left in the queue of asynchronous actors
};

}  // namespace genkidama
