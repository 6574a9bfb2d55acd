#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "genkidama/core/clock.h"

namespace genkidama {

/// Learns how long a round (or an exchange) takes from the last ones, and from when on one is late. It works
/// with medians, which a single outlier does not move.
class RoundTimeEstimate {
 public:
  static constexpr std::size_t kSpans = 32;  ///< how many are remembered
  static constexpr std::size_t kFewest = 4;  ///< with fewer nothing is ever late
  static constexpr int kDeviations = 8;

  void add(Clock::duration span);
  std::size_t spans() const { return count_; }

  /// Nothing before the first span. Of an even number it is the greater of the middle two.
  std::optional<Clock::duration> median() const;
  /// median + kDeviations x the median of the absolute deviations from it. That deviation counts as an eighth
  /// of the median at least, so nothing that always takes equally long is late before it takes twice as long.
  /// Nothing before kFewest spans.
  std::optional<Clock::duration> allowance() const;
  /// The same, and never less than `floor`.
  Clock::duration allowance(Clock::duration floor) const;

 private:
  std::array<Clock::duration, kSpans> ring_{};
  std::size_t count_ = 0, next_ = 0;
};

}  // namespace genkidama
