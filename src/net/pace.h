#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "genkidama/core/clock.h"

namespace genkidama {

/// How long something takes, as learnt from its last spans, and from when on it is late. By medians, which
/// one span out of the order does not move.
class Pace {
 public:
  static constexpr std::size_t kSpans = 32;  ///< so many are remembered
  static constexpr std::size_t kFewest = 4;  ///< with fewer nothing is ever late
  static constexpr int kDeviations = 8;

  void add(Clock::duration span);
  std::size_t spans() const { return count_; }

  /// Nothing before the first span; the greater of the middle two of an even number.
  std::optional<Clock::duration> median() const;
  /// median + kDeviations x the median of the absolute deviations from it, which counts as an eighth of the
  /// median at least: nothing that always takes equally long is late before it takes twice as long. Nothing
  /// before kFewest spans.
  std::optional<Clock::duration> allowance() const;
  /// The same, and never less than `floor`.
  Clock::duration allowance(Clock::duration floor) const;

 private:
  std::array<Clock::duration, kSpans> ring_{};
  std::size_t count_ = 0, next_ = 0;
};

}  // namespace genkidama
