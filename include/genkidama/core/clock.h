#pragma once

/// @file
/// Monotonic time. Every wait of this library is given a Deadline.

#include <algorithm>
#include <chrono>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A clock that is never set back.
using Clock = std::chrono::steady_clock;
/// The unit of all time limits.
using Milliseconds = std::chrono::milliseconds;

/// A point on the monotonic clock after which a wait gives up.
class Deadline {
 public:
  /// The point `span` from now.
  static Deadline after(Milliseconds span) { return Deadline(Clock::now() + span); }

  /// Whether the point has passed.
  bool passed() const { return Clock::now() >= at_; }
  /// The time that is left, never negative.
  Clock::duration left() const { return std::max(at_ - Clock::now(), Clock::duration::zero()); }
  /// The point itself.
  Clock::time_point at() const { return at_; }
  /// The earlier of this deadline and the point `span` from now: one slice of a long wait.
  Deadline slice(Milliseconds span) const { return Deadline(std::min(at_, Clock::now() + span)); }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

/// Seconds since `start` as a double.
inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace genkidama
