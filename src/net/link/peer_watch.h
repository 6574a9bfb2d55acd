#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "genkidama/core/clock.h"

namespace genkidama {

/// A timer that ends so late was not held up by any peer: this process was stopped for a while, and what came
/// meanwhile is not read yet.
inline constexpr Milliseconds kStopped{1'000};

/// Tells a peer that is slow from one that is gone: gone is who for idle_timeout neither was heard nor took
/// anything of the frame that is being sent to it. Only frames count: the system at the other end takes a
/// ping also for a program that hangs. No clock and no socket of its own.
class PeerWatch {
 public:
  /// What passed the link's socket.
  struct Wire {
    Clock::time_point heard;           ///< when bytes came last
    std::uint64_t written = 0;         ///< bytes handed to the system
    std::uint64_t unacknowledged = 0;  ///< those of them that the peer's system has not taken
    std::uint64_t unread = 0;  ///< bytes that came and were not read: a pong waits to be written first
  };

  /// A peer that is heard, as by pings, but takes nothing of a frame may do so for so many idle timeouts.
  static constexpr int kDeafPatience = 8;

  PeerWatch(Milliseconds idle_timeout, Clock::time_point now);

  /// One frame at a time; `written` as in Wire, once it is wholly there.
  void frame_begins() { frame_end_ = kNotYet; }
  void frame_written(std::uint64_t written) { frame_end_ = written; }

  /// To be called at next() at the latest; everything below is as of the last look.
  void look(const Wire& wire, Clock::time_point now);

  /// Why the peer is taken for gone, if it is.
  std::optional<std::string> objection(Clock::time_point now) const;
  /// When nothing was heard, or said, for half the timeout: either end may wait for a word.
  bool wants_ping(Clock::time_point now) const;
  void pinged(Clock::time_point now) { pinged_ = now; }
  Clock::time_point next(Clock::time_point now) const;

  /// When the peer was last seen to have taken something of a frame.
  Clock::time_point frame_taken() const { return taken_; }

 private:
  static constexpr std::uint64_t kNotYet = std::numeric_limits<std::uint64_t>::max();

  bool frame_waits() const { return seen_taken_ < frame_end_; }
  Clock::time_point quiet_since() const;

  Milliseconds idle_timeout_;
  Clock::duration period_;
  Clock::time_point heard_, arrived_, taken_, spoken_, pinged_;
  std::optional<Clock::time_point> frame_waits_since_;
  std::uint64_t seen_written_ = 0, seen_taken_ = 0, seen_unread_ = 0, frame_end_ = 0;
};

}  // namespace genkidama
