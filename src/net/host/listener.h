#pragma once

#include "net/asio.h"

#include <cstdint>
#include <functional>
#include <memory>

#include "genkidama/net/endpoint.h"

namespace genkidama {

/// Accepts connections for ever. When the system has none to give (no descriptors, no memory) it pauses and
/// goes on. Everything but the constructor and port() on the io thread.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  /// Binds and listens; throws IoError naming the endpoint, also when it is a loopback one by its name
  /// (Endpoint::is_loopback()) but not by its address.
  Listener(asio::io_context& context, const Endpoint& endpoint);

  std::uint16_t port() const { return port_; }

  /// `accepted` gets each connection. While `ready` says no, none is accepted: they wait in the system's
  /// queue. Called again after a handler failed, it goes on if it no longer does.
  void start(std::function<bool()> ready, std::function<void(tcp::socket)> accepted);
  /// Closes the socket and forgets the callbacks.
  void stop();

 private:
  void accept();
  void pause();

  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  std::string where_;
  std::uint16_t port_ = 0;
  bool failing_ = false;
  bool waiting_ = false;  ///< for a connection, or the end of a pause
  bool stopped_ = false;
  std::function<bool()> ready_;
  std::function<void(tcp::socket)> accepted_;
};

}  // namespace genkidama
