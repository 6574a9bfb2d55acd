#pragma once

// How long a worker may be silent before it counts as hung.

#include <algorithm>
#include <cstdint>

#include "genkidama/core/clock.h"

namespace genkidama {

/// Follows the pace of the workers themselves, so that a hung one is noticed soon where steps take
/// microseconds, and a slow board is not taken for a hung one where they take minutes: many times the longest
/// silence that ended well so far, between a floor and what the user allows. Until the workers have shown
/// their pace for a few rounds, what the user allows.
class Patience {
 public:
  static constexpr Milliseconds kLeast{
      30'000};  ///< a level that loads, a disk that wakes, a board that swaps
  static constexpr int kTimesLongest = 20;
  static constexpr std::uint64_t kRoundsToLearn = 3;

  explicit Patience(Milliseconds most) : most_(most) {}

  /// A worker showed life again after so long a silence.
  void silence_ended(Clock::duration silence) { longest_ = std::max(longest_, silence); }
  /// All workers have done what they were told to.
  void round_ended() { ++rounds_; }

  Clock::duration most() const { return most_; }
  Clock::duration span() const {
    if (rounds_ < kRoundsToLearn) return most_;
    return std::min<Clock::duration>(most_, std::max<Clock::duration>(kLeast, kTimesLongest * longest_));
  }

 private:
  const Milliseconds most_;
  Clock::duration longest_{};
  std::uint64_t rounds_ = 0;
};

}  // namespace genkidama
