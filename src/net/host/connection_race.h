#pragma once

#include "net/asio.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "genkidama/core/clock.h"
#include "net/host/pending_flag.h"

namespace genkidama {

/// Connects to the first of several addresses that answers (RFC 8305, "happy eyeballs"). Each next address is
/// tried 250 ms after the one before, or at once when one fails, so that an address that swallows packets
/// costs a quarter of a second and not the whole deadline. The race lives as long as one of its attempts is
/// under way. Everything on the io thread.
class ConnectionRace : public std::enable_shared_from_this<ConnectionRace> {
 public:
  static constexpr Milliseconds kNextAfter{250};

  /// `socket` is connected to `address`; or `error` says why the last attempt failed.
  using Done = std::function<void(ErrorCode error, tcp::socket socket, const tcp::endpoint& address)>;

  /// `addresses` are tried in their order; there is at least one. `pending` ends with the race.
  ConnectionRace(asio::io_context& context, std::vector<tcp::endpoint> addresses, PendingFlag pending);

  /// `done` is called once, when the race is over.
  void start(Done done);
  /// Closes the sockets and begins no further attempt. The race then ends with an error.
  void cancel();

 private:
  void try_next();
  void attempt_ended(std::size_t number, ErrorCode error);
  void finish(ErrorCode error, std::size_t winner);

  asio::io_context& context_;
  const std::vector<tcp::endpoint> addresses_;
  std::vector<tcp::socket> sockets_;  // of the addresses tried so far
  std::size_t under_way_ = 0;
  asio::steady_timer timer_;
  bool cancelled_ = false;
  Done done_;
  PendingFlag pending_;
};

/// The order in which a name's addresses are tried: as the system gave them, but the families in turn, so
/// that a family without a route is left after one address; a repeated address counts once. It begins with
/// the one after `last` when `last` is among them and `after_last` is set, with `last` itself when not.
std::vector<tcp::endpoint> race_order(const std::vector<tcp::endpoint>& addresses, const tcp::endpoint& last,
                                      bool after_last);

}  // namespace genkidama
