#pragma once

// How long bytes take through a link.

#include <cstddef>
#include <cstdint>

#include "genkidama/core/clock.h"
#include "genkidama/core/random.h"
#include "genkidama/sim/simulation.h"

namespace genkidama::sim {

/// The payload of a packet, and the headers of IP and TCP with its time stamps.
inline constexpr std::size_t kPacketBytes = 1448, kPacketHeaderBytes = 52;

/// The least time after which TCP sends again what nobody has acknowledged, in seconds (RFC 6298 with the
/// least one of Linux).
inline constexpr double kLeastTimeout = 0.2;

std::size_t packets_of(std::size_t bytes);
/// A message of so many bytes as it lies on the wire: with a WebSocket frame's header and those of its
/// packets.
std::size_t bytes_on_wire(std::size_t message);

/// When the first byte of a transfer is at a place, and the last one.
struct Passage {
  Clock::time_point first, last;
};

/// One direction of a link, or what several share. One transfer after the other.
class Pipe {
 public:
  /// 0: without limit.
  explicit Pipe(double bits_per_second) : bits_per_second_(bits_per_second) {}

  Clock::duration time_for(std::size_t bytes) const;
  /// From where the transfer comes in to where it comes out. It goes on while it still comes in.
  Passage pass(const Passage& in, std::size_t bytes);

 private:
  double bits_per_second_;
  Clock::time_point free_{};
};

/// How much longer than its bytes' time a transfer of one message takes to the other end.
Clock::duration delay_of(const LinkModel& link, std::size_t message, Random& random);

}  // namespace genkidama::sim
