#pragma once

// How long a worker may be silent before it counts as hung.

#include <algorithm>
#include <cstdint>

#include "genkidama/core/clock.h"

namespace genkidama {

/// The limit follows the pace of the workers themselves, so that a hung worker is noticed soon where steps
/// take microseconds, and a slow board is not taken for a hung one where steps take minutes. It is a multiple
/// of the longest silence that ended well so far, between a floor and the maximum that the user allows. Until
/// the workers have shown their pace for a few rounds it is the maximum.
class SilenceLimit {
 public:
  /// Room for a level that loads, a disk that wakes, a board that swaps.
  static constexpr Milliseconds kLeast{30'000};
  static constexpr int kTimesLongest = 20;
  static constexpr std::uint64_t kRoundsToLearn = 3;

  explicit SilenceLimit(Milliseconds maximum) : maximum_(maximum) {}

  /// A worker showed life again after this long a silence.
  void silence_ended(Clock::duration silence) { longest_ = std::max(longest_, silence); }
  /// All workers have carried out their order.
  void round_ended() { ++rounds_; }

  Clock::duration maximum() const { return maximum_; }
  Clock::duration current() const {
    if (rounds_ < kRoundsToLearn) return maximum_;
    return std::min<Clock::duration>(maximum_, std::max<Clock::duration>(kLeast, kTimesLongest * longest_));
  }

 private:
  const Milliseconds maximum_;
  Clock::duration longest_{};
  std::uint64_t rounds_ = 0;
};

}  // namespace genkidama
