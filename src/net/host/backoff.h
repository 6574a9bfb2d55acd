#pragma once

// Pauses between attempts to connect.

#include <algorithm>
#include <cstdint>

#include "genkidama/core/clock.h"
#include "genkidama/core/random.h"

namespace genkidama {

/// Doubles from min to max. Jitter (half to all of it) keeps many Children from dialling in step.
class Backoff {
 public:
  Backoff(Milliseconds min, Milliseconds max, std::uint64_t seed)
      : min_(min), max_(max), current_(min), random_(seed) {}

  Milliseconds next() {
    const double pause = static_cast<double>(current_.count()) * random_.uniform(0.5, 1.0);
    current_ = std::min(current_ * 2, max_);
    return Milliseconds(static_cast<Milliseconds::rep>(pause) + 1);
  }
  void reset() { current_ = min_; }

 private:
  Milliseconds min_, max_, current_;
  Random random_;
};

}  // namespace genkidama
