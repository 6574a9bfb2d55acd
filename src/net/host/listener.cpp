#include "net/host/listener.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <utility>

#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "net/host/pending_flag.h"

namespace genkidama {
namespace {

constexpr Milliseconds kPause{50};
// Free ports that are tried before one is taken to be free at all addresses of a name.
constexpr int kPortsTried = 16;

tcp::acceptor listening_acceptor(asio::io_context& context, const tcp::endpoint& address, bool is_one_of_many,
                                 ErrorCode& error) {
  tcp::acceptor acceptor(context);
  acceptor.open(address.protocol(), error);
  // A Parent that is started again must get its port although old connections linger.
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  // The other family has a listener of its own.
  if (!error && is_one_of_many && address.protocol() == tcp::v6()) {
    acceptor.set_option(asio::ip::v6_only(true), error);
  }
  if (!error) acceptor.bind(address, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  return acceptor;
}

/// Whether the machine has no such address at all, as without IPv6.
bool is_absent(const ErrorCode& error) {
  return error == asio::error::address_family_not_supported ||
         error == boost::system::errc::address_not_available;
}

std::vector<tcp::endpoint> addresses_of(asio::io_context& context, const Endpoint& endpoint,
                                        ErrorCode& error) {
  std::vector<tcp::endpoint> addresses;
  tcp::resolver resolver(context);
  for (const auto& found :
       resolver.resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::passive, error)) {
    const tcp::endpoint address = found.endpoint();
    // What a name stands for is up to the system's files.
    if (endpoint.is_loopback() && !address.address().is_loopback()) {
      error = asio::error::access_denied;
    } else if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  return addresses;
}

/// Listens at all addresses, or says in `error` why not at one of them; empty when none is there.
std::vector<std::shared_ptr<Listener>> listen_at_all(asio::io_context& context,
                                                     std::vector<tcp::endpoint> addresses, ErrorCode& error) {
  std::vector<std::shared_ptr<Listener>> listeners;
  for (tcp::endpoint& address : addresses) {
    if (address.port() == 0 && !listeners.empty()) address.port(listeners.front()->port());
    ErrorCode failure;
    tcp::acceptor acceptor = listening_acceptor(context, address, addresses.size() > 1, failure);
    if (!failure) {
      listeners.push_back(std::make_shared<Listener>(std::move(acceptor)));
      continue;
    }
    error = failure;
    if (!is_absent(failure)) return {};
  }
  if (!listeners.empty()) error = {};
  return listeners;
}

}  // namespace

Listener::Listener(tcp::acceptor acceptor)
    : acceptor_(std::move(acceptor)), timer_(acceptor_.get_executor()) {
  const tcp::endpoint here = acceptor_.local_endpoint();
  port_ = here.port();
  address_ = Endpoint{here.address().to_string(), port_}.text();
}

std::vector<std::shared_ptr<Listener>> listen_at(asio::io_context& context, const Endpoint& endpoint) {
  ErrorCode error;
  const std::vector<tcp::endpoint> addresses = addresses_of(context, endpoint, error);
  std::vector<std::shared_ptr<Listener>> listeners;
  // A port that is free at one address may be in use at the next.
  for (int tried = 0; listeners.empty() && tried < (endpoint.port == 0 ? kPortsTried : 1); ++tried) {
    listeners = listen_at_all(context, addresses, error);
  }
  if (listeners.empty()) {
    throw IoError(fmt::format("cannot listen at {}: {}; give a free port of this machine, or 0 for any",
                              endpoint.text(), error.message()));
  }
  return listeners;
}

void Listener::start(std::function<bool()> ready, std::function<void(tcp::socket)> accepted) {
  ready_ = std::move(ready);
  accepted_ = std::move(accepted);
  if (!waiting_) accept();
}

void Listener::stop() {
  stopped_ = true;
  ErrorCode ignored;
  acceptor_.close(ignored);
  timer_.cancel();
  ready_ = nullptr;
  accepted_ = nullptr;
}

void Listener::accept() {
  if (stopped_) return;
  if (!ready_()) {
    pause();
    return;
  }
  PendingFlag waiting(shared_from_this(), waiting_);
  acceptor_.async_accept(
      [self = shared_from_this(), waiting = std::move(waiting)](ErrorCode error, tcp::socket socket) mutable {
        waiting.over();
        if (self->stopped_) return;
        if (error) {
          if (!self->failing_)
            log(LogLevel::kWarning, "net: cannot accept at {}: {}", self->address_, error.message());
          self->failing_ = true;
          self->pause();
          return;
        }
        self->failing_ = false;
        self->accepted_(std::move(socket));
        self->accept();
      });
}

void Listener::pause() {
  timer_.expires_after(kPause);
  PendingFlag waiting(shared_from_this(), waiting_);
  timer_.async_wait([self = shared_from_this(), waiting = std::move(waiting)](ErrorCode) mutable {
    waiting.over();
    self->accept();
  });
}

}  // namespace genkidama
