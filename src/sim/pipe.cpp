#include "sim/pipe.h"

#include <algorithm>

#include "sim/event_queue.h"

namespace genkidama::sim {
namespace {

constexpr std::size_t kFirstWindow = 10;  // packets (RFC 6928)
// Fewer than three packets behind a lost one do not tell of it, so only a timeout does (RFC 5681).
constexpr std::size_t kEnoughToTell = 4;
constexpr std::size_t kFrameHeader = 14;  // of a WebSocket message from a client, at most

/// What the sender waits for acknowledgements while its window grows.
double window_stalls(const LinkModel& link, std::size_t packets) {
  const double round_trip = 2 * link.latency_seconds;
  double stalls = 0;
  for (std::size_t window = kFirstWindow; packets > window; packets -= window, window *= 2) {
    const auto bits = 8.0 * static_cast<double>(window * (kPacketBytes + kPacketHeaderBytes));
    const double sending = link.bits_per_second > 0 ? bits / link.bits_per_second : 0;
    if (sending >= round_trip) break;
    stalls += round_trip - sending;
  }
  return stalls;
}

std::size_t lost_of(std::size_t packets, double loss, Random& random) {
  std::size_t lost = 0;
  for (std::size_t i = 0; i < packets; ++i) lost += random.uniform() < loss ? 1 : 0;
  return lost;
}

double retransmissions(const LinkModel& link, std::size_t packets, Random& random) {
  const double round_trip = 2 * link.latency_seconds;
  double spent = 0;
  double timeout = std::max(kLeastTimeout, 2 * round_trip);
  for (std::size_t lost = lost_of(packets, link.loss, random); lost > 0;
       lost = lost_of(packets, link.loss, random)) {
    const bool is_told = packets - lost >= kEnoughToTell;
    spent += is_told ? round_trip : timeout;
    if (!is_told) timeout *= 2;
    packets = lost;
  }
  return spent;
}

}  // namespace

std::size_t packets_of(std::size_t bytes) {
  return (bytes + kPacketBytes - 1) / kPacketBytes;
}

std::size_t bytes_on_wire(std::size_t message) {
  const std::size_t bytes = message + kFrameHeader;
  return bytes + packets_of(bytes) * kPacketHeaderBytes;
}

Clock::duration Pipe::time_for(std::size_t bytes) const {
  if (bits_per_second_ <= 0) return Clock::duration::zero();
  return span_of(8.0 * static_cast<double>(bytes) / bits_per_second_);
}

Passage Pipe::pass(const Passage& in, std::size_t bytes) {
  Passage out;
  out.first = std::max(in.first, free_);
  out.last = std::max(in.last, out.first + time_for(bytes));
  free_ = out.last;
  return out;
}

Clock::duration delay_of(const LinkModel& link, std::size_t message, Random& random) {
  const std::size_t packets = packets_of(message);
  double delay = link.latency_seconds + window_stalls(link, packets);
  if (link.jitter_seconds > 0) delay += random.uniform(0, link.jitter_seconds);
  if (link.loss > 0) delay += retransmissions(link, packets, random);
  return span_of(delay);
}

}  // namespace genkidama::sim
