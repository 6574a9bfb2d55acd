#pragma once

// What happens next, in virtual time.

#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

#include "genkidama/core/clock.h"

namespace genkidama::sim {

/// Where virtual time begins. Not at the clock's epoch, so that a moment before the beginning can be told.
inline constexpr Clock::time_point kBeginning = Clock::time_point() + std::chrono::hours(1);

/// Some three years. What takes longer is a mistake, and nanoseconds in 64 bits count a few centuries only.
inline constexpr double kLongestSpan_s = 1e8;
inline constexpr Clock::time_point kLatest = kBeginning + std::chrono::seconds(4'000'000'000);

/// Throws ArgumentError that names the span.
[[noreturn]] void refuse_span(double seconds);
[[noreturn]] void refuse_time();

/// Whole nanoseconds, so that sums of times do not depend on their order. Throws ArgumentError for a span
/// that is above kLongestSpan_s.
inline Clock::duration span_of(double seconds) {
  if (!(seconds <= kLongestSpan_s)) refuse_span(seconds);
  return Clock::duration(static_cast<Clock::rep>(seconds * 1e9 + 0.5));
}

/// The same time. Throws ArgumentError for one after kLatest.
inline Clock::time_point within_reach(Clock::time_point at) {
  if (at > kLatest) refuse_time();
  return at;
}

inline double seconds_of(Clock::duration span) {
  return std::chrono::duration<double>(span).count();
}

/// Events in the order of their times, and of those at the same time the one that was planned first.
template <typename Event>
class EventQueue {
 public:
  Clock::time_point now() const { return now_; }
  bool is_empty() const { return events_.empty(); }
  std::uint64_t taken() const { return taken_; }

  /// A time that has passed is now.
  void plan(Clock::time_point at, Event event) {
    events_.push({std::max(within_reach(at), now_), planned_++, std::move(event)});
  }

  /// When the next one happens. There must be one.
  Clock::time_point next_at() const { return events_.top().at; }
  /// There must be one.
  Event take() {
    Planned next = events_.top();
    events_.pop();
    now_ = next.at;
    ++taken_;
    return next.event;
  }

 private:
  struct Planned {
    Clock::time_point at;
    std::uint64_t number = 0;
    Event event;

    bool operator<(const Planned& other) const {
      return at != other.at ? at > other.at : number > other.number;
    }
  };

  std::priority_queue<Planned> events_;
  Clock::time_point now_ = kBeginning;
  std::uint64_t planned_ = 0, taken_ = 0;
};

}  // namespace genkidama::sim
