#pragma once

#include <algorithm>

#include "genkidama/core/clock.h"

namespace genkidama {

/// So many at once, then so many a second: a token bucket.
class RateLimit {
 public:
  /// `per_second` 0: no limit.
  RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst), left_(burst) {}

  /// Whether one more is within the limit; if so, it is counted.
  bool allow(Clock::time_point now) {
    if (per_second_ <= 0) return true;
    left_ = std::min(burst_, left_ + per_second_ * std::chrono::duration<double>(now - last_).count());
    last_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  double per_second_, burst_, left_;
  Clock::time_point last_{};
};

}  // namespace genkidama
