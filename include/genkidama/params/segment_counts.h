#pragma once

/// @file
/// What becomes of the steps that actors have played for a learner.

#include <algorithm>
#include <cstdint>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Of a round that was learnt from, or of several. Policy lag counts the updates between the weights that a
/// segment was played with and those that learn from it.
struct SegmentCounts {
  std::uint64_t segments = 0;      ///< learnt from
  std::uint64_t learnt_steps = 0;  ///< in these segments
  /// Dropped by their actors, which had played them for a learner that was started again since.
  std::uint64_t dropped_steps = 0;
  std::uint64_t late_steps = 0;           ///< in segments that were too old to be learnt from
  std::uint64_t queue_dropped_steps = 0;  ///< dropped because the queue was full, or their actor has left
  std::uint64_t lag_sum = 0;              ///< policy lag of each step that was learnt from, added up
  std::uint64_t max_lag = 0;              ///< the greatest policy lag of such a step

  /// Steps that were played and not learnt from.
  std::uint64_t all_dropped_steps() const { return dropped_steps + late_steps + queue_dropped_steps; }
  /// Policy lag in the mean over the steps that were learnt from; 0 without any.
  double mean_lag() const {
    return learnt_steps > 0 ? static_cast<double>(lag_sum) / static_cast<double>(learnt_steps) : 0;
  }
  /// Counts a segment of `steps` steps whose policy lag is `lag`. Whether it is to be learnt from: not when
  /// it lags by more than `most_lag`.
  bool take_segment(std::uint64_t steps, std::uint64_t lag, std::uint64_t most_lag) {
    if (lag > most_lag) {
      late_steps += steps;
      return false;
    }
    ++segments;
    learnt_steps += steps;
    lag_sum += lag * steps;
    max_lag = std::max(max_lag, lag);
    return true;
  }
  /// Adds the counts; max_lag becomes the greater one.
  SegmentCounts& operator+=(const SegmentCounts& more) {
    segments += more.segments;
    learnt_steps += more.learnt_steps;
    dropped_steps += more.dropped_steps;
    late_steps += more.late_steps;
    queue_dropped_steps += more.queue_dropped_steps;
    lag_sum += more.lag_sum;
    max_lag = std::max(max_lag, more.max_lag);
    return *this;
  }
  /// Compares field by field.
  friend bool operator==(const SegmentCounts&, const SegmentCounts&) = default;
};

}  // namespace genkidama
