#pragma once

/// @file
/// A user's own rule for merging a Child's weights into the Parent's.

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/played.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What is known about one merge before it is made. The Child itself reports what it has played and its
/// mean_return. They are finite, but a rule that relies on them should hold them to bounds.
struct MergeContext {
  std::string child;            ///< the name that the Child is shown by; `session` tells Children apart
  std::uint64_t session = 0;    ///< the Child's session, which outlives lost connections
  std::uint64_t sequence = 0;   ///< the Child's own count of updates in this session
  std::uint64_t update = 0;     ///< merges so far in the run, this one included
  std::uint64_t staleness = 0;  ///< merges of others since this Child was last sent the weights
  Played since_child_began;     ///< as the Child tells it
  Played since_merge;           ///< as ParentUpdate::since_merge
  /// The mean return of the episodes that ended since the Child's last answered frame. Without such episodes
  /// it is that of the frame before, and 0 before the first episode.
  double mean_return = 0;
  double alpha = 0;  ///< the Parent's alpha; the rule may use it
  /// The sessions of the Children that are connected now, in ascending order, with this one's. A rule that
  /// keeps notes about Children drops those of a session that is not listed. A session whose link was lost is
  /// listed again, with the same number, once it goes on. Valid only during the call.
  std::span<const std::uint64_t> present{};
  const ParameterLayout& layout;  ///< which tensor lies where in both weights
};

/// Merges a Child's weights into the Parent's weights W_P, in place. A Parent without a rule merges by
/// weighted_average(parent, child, alpha). A rule may call that function too, with a weight of its own, for
/// parts of the weights, or not at all.
///
/// A Parent calls its rule on its own thread, for one merge at a time in the order of the merges, so a rule
/// may keep notes without a lock. All sockets wait meanwhile, so the rule must be short. `parent` is a copy.
/// It replaces W_P only if the rule returns, every value is finite, and the norm is within
/// ParentOptions::max_norm_growth; `child` has passed the same checks. Otherwise, or if the rule throws,
/// nothing is merged and the Parent ends its run (ParentStatus::failure), because the rule is at fault.
using MergeRule =
    std::function<void(std::span<float> parent, std::span<const float> child, const MergeContext& context)>;

}  // namespace genkidama
