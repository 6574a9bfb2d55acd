#pragma once

#include "net/asio.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/net/endpoint.h"

namespace genkidama {

/// Accepts connections at one address until it is stopped. When the system has none to give (no descriptors,
/// no memory) it pauses and goes on. Everything but the constructor and the getters on the io thread.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  explicit Listener(tcp::acceptor acceptor);

  /// Where it listens, "127.0.0.1:7777".
  const std::string& address() const { return address_; }
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
  std::string address_;
  std::uint16_t port_ = 0;
  bool failing_ = false;
  bool waiting_ = false;  ///< for a connection, or the end of a pause
  bool stopped_ = false;
  std::function<bool()> ready_;
  std::function<void(tcp::socket)> accepted_;
};

/// Binds every address of the endpoint's name; there is at least one. Port 0 becomes the same free port at
/// all of them. Addresses of a family that this machine does not have are left out, and so are those that are
/// no loopback ones when the endpoint counts as loopback by its name (Endpoint::is_loopback()). Throws
/// IoError naming the endpoint when none is left, or when one is in use: who dials that address would reach
/// another program.
std::vector<std::shared_ptr<Listener>> listen_at(asio::io_context& context, const Endpoint& endpoint);

}  // namespace genkidama
