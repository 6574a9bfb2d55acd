#pragma once

// A TCP stream that notes what passes it, below TLS and WebSocket: every byte is a sign of life, whether or
// not it completes anything above.

#include "net/asio.h"

#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/rate_policy.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "genkidama/core/clock.h"

namespace genkidama {

/// To Beast a rate limit that limits nothing.
class TransferRecord {
 public:
  /// When bytes came from the peer.
  Clock::time_point heard() const { return heard_; }
  /// Bytes that the system took to send.
  std::uint64_t written() const { return written_; }

 private:
  friend class boost::beast::rate_policy_access;

  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  std::size_t available_read_bytes() const noexcept { return kAll; }
  std::size_t available_write_bytes() const noexcept { return kAll; }
  void transfer_read_bytes(std::size_t bytes) noexcept {
    if (bytes > 0) heard_ = Clock::now();
  }
  void transfer_write_bytes(std::size_t bytes) noexcept { written_ += bytes; }
  void on_timer() const noexcept {}

  Clock::time_point heard_{};
  std::uint64_t written_ = 0;
};

using WatchedStream = boost::beast::basic_stream<tcp, tcp::socket::executor_type, TransferRecord>;

/// Bytes that the system took to send and the peer's system has not taken yet; 0 where that is not known.
std::uint64_t unacknowledged_bytes(tcp::socket& socket);

/// Bytes that came and were not read yet.
std::uint64_t unread_bytes(const tcp::socket& socket);

/// Closing then throws away what was not sent, instead of trying on for minutes, and tells a peer that is
/// there after all.
void abandon_unsent(tcp::socket& socket);

}  // namespace genkidama
