#pragma once

#include "net/asio.h"

#include <functional>
#include <memory>
#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/net/endpoint.h"
#include "net/host/backoff.h"
#include "net/host/connection_race.h"

namespace genkidama {

/// Connects to one endpoint, again and again until stopped. All addresses of its name are tried side by side.
/// Whoever gets the connection calls retry() when it is over. Everything on the io thread.
class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  struct Timing {
    Milliseconds connect_timeout;
    Milliseconds backoff_min;
    Milliseconds backoff_max;
  };

  Dialer(asio::io_context& context, Endpoint endpoint, const Timing& timing);

  const Endpoint& endpoint() const { return endpoint_; }

  /// Dials now. `failed` is told why an attempt failed; the next one follows by itself. Called again after a
  /// handler failed, it goes on if it no longer does. When `connected` throws, nobody has the connection.
  void start(std::function<void(tcp::socket)> connected, std::function<void(const std::string&)> failed);
  /// Dials again after a pause, and begins with the address after the last one unless that worked.
  void retry();
  /// The peer is a working one: the next pause is the shortest again, and its address is tried first.
  void succeeded();
  /// Somebody is there, who refused: the next pause is the shortest again, but pauses grow from there until
  /// the peer is a working one, or was away.
  void answered();
  /// Ends all attempts and forgets the callbacks.
  void stop();

 private:
  void dial();
  void connect(const tcp::resolver::results_type& found);
  void race_ended(ErrorCode error, tcp::socket socket);
  void attempt_failed(const std::string& reason);

  asio::io_context& context_;
  Endpoint endpoint_;
  Milliseconds connect_timeout_;
  tcp::resolver resolver_;
  asio::steady_timer timer_;
  Backoff backoff_;
  std::weak_ptr<ConnectionRace> race_;
  tcp::endpoint last_address_;  ///< connected to last, or tried first
  bool last_address_works_ = false;
  bool timed_out_ = false;
  bool answered_ = false;
  bool pending_ = false;  ///< an attempt or a pause, or somebody has the connection
  bool stopped_ = false;
  std::function<void(tcp::socket)> connected_;
  std::function<void(const std::string&)> failed_;
};

}  // namespace genkidama
