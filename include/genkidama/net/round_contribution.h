#pragma once

/// @file
/// What one Child has given to a round that Children make together.

#include <cstdint>
#include <optional>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/params/played.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What one Child has given to a round that Children make together. The fields mean what those of
/// ParentUpdate mean.
struct RoundContribution {
  std::string child;            ///< the name that it is shown by
  std::uint64_t session = 0;    ///< the number of its session
  std::uint64_t sequence = 0;   ///< its own count of contributions in this session
  Played since_child_began;     ///< as the Child tells it
  Played since_merge;           ///< what its contribution adds to the run
  double mean_return = 0;       ///< of the episodes that ended since its contribution before
  std::uint64_t staleness = 0;  ///< rounds that were closed since the weights from which it has learnt
  bool dropped = false;         ///< it was too stale, and counts nothing
  /// The norm of its part in the mean change of the round, by steps and staleness, before a merge method or
  /// the outer optimizer has a say.
  double movement = 0;
  /// The cosine between its change and the recent ones of the others, this round's included; as
  /// ParentUpdate::agreement.
  std::optional<double> agreement{};
};

}  // namespace genkidama
