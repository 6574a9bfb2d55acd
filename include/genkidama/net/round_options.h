#pragma once

/// @file
/// When a Parent closes a round that its Children make together.

#include <cstdint>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A round lasts from one average to the next. Each Child contributes once to it at most: with what it has
/// learnt since it was sent the Parent's weights. The Parent closes the round, averages, and answers all that
/// have contributed, as soon as one of these is true:
///
/// - Every Child that is waited for has contributed. A Child is waited for while it is connected, unless it
///   joined after the round's first contribution, or took longer the last time than a deadline allows.
/// - The quorum has contributed.
/// - The deadline has passed since the first contribution.
///
/// A contribution that comes later enters the next round, where it counts less (staleness_discount()).
struct RoundOptions {
  /// The quorum as a share of the Children that are waited for or have contributed, in (0, 1]; rounded up.
  /// 1: all of them. With fewer the slowest Children are never waited for, and their contributions are often
  /// late.
  double quorum_share = 1;
  /// The quorum as a number of contributions, in place of the share; 0: the share holds. It is never more
  /// than the Children that are waited for or have contributed.
  std::uint64_t quorum_count = 0;
  /// How long a round stays open after its first contribution, in [0, kLongestDeadline]. 0: as long again as
  /// the round had lasted when the first contribution came, at least 1 s and at most 5 min. So a Child is
  /// waited for that is up to half as fast as the fastest, whatever a round takes; a slower one costs the
  /// others one such wait.
  Milliseconds deadline{0};
  /// The first round after the start is closed only by its deadline until so many Children have joined, so
  /// that those which start together make it together. 0: whoever is there makes it.
  std::uint64_t first_children = 0;
  /// A contribution that was learnt from weights of more rounds ago is dropped: it is answered and counts
  /// nothing. A Child ten times slower than the others is within the default.
  std::uint64_t max_staleness = 20;
  /// ExchangeKind::kRounds: once the run has so many environment steps, its Children go apart, as in the
  /// second phase of SWAP (Gupta et al. 2020, "Stochastic weight averaging in parallel"): rounds are made as
  /// before, but each Child is sent its own weights back. The Parent's weights are then the mean of those of
  /// all Children, each weighted by the steps that it has played apart, without an outer optimizer and
  /// without a discount for what comes late. Nobody trains on from that mean, but for Children that join
  /// later. 0: never.
  std::uint64_t apart_from_steps = 0;
};

/// The greatest RoundOptions::deadline: a day.
inline constexpr Milliseconds kLongestDeadline{86'400'000};

/// The longest time that any Parent lets an answer wait for other Children. A Child believes no longer one.
inline constexpr Milliseconds kLongestRoundWait = 2 * kLongestDeadline + Milliseconds{300'000};

}  // namespace genkidama
