#pragma once

/// @file
/// How a Parent that learns shares the work out among its actors, and what they give to it.

#include <cstdint>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/net/round_contribution.h"
#include "genkidama/params/segment.h"
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
};

/// What one actor has given to a round.
struct SegmentContribution {
  RoundContribution told;        ///< who gave it; `dropped`: nothing of it is learnt from
  SegmentBatch batch;            ///< without the segments that were too old
  std::uint64_t lag_sum = 0;     ///< policy lag of each step in `batch.segments`, added up
  std::uint64_t max_lag = 0;     ///< the greatest policy lag of a step in `batch.segments`
  std::uint64_t late_steps = 0;  ///< steps in segments that were too old, and are not in `batch`
};

/// A round that is over, for the learner. Policy lag counts updates between the weights that a segment was
/// played with and those that learn from it.
struct SegmentRound {
  std::vector<SegmentContribution> contributions;  ///< in the order of names
  double waited_seconds = 0;                       ///< from the first contribution to the end of the round
  bool by_deadline = false;                        ///< a deadline has ended the round
};

}  // namespace genkidama
