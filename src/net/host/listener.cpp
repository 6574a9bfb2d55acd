#include "net/host/listener.h"

#include <fmt/format.h>

#include <boost/asio/error.hpp>

#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "net/host/under_way.h"

namespace genkidama {
namespace {

constexpr Milliseconds kPause{50};

ErrorCode listen_at(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  // A Parent that is started again must get its port although old connections linger.
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    ErrorCode ignored;
    acceptor.close(ignored);
  }
  return error;
}

}  // namespace

Listener::Listener(asio::io_context& context, const Endpoint& endpoint)
    : acceptor_(context), timer_(context), where_(endpoint.text()) {
  ErrorCode error;
  tcp::resolver resolver(context);
  const auto addresses =
      resolver.resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::passive, error);
  for (const auto& address : addresses) {
    // What a name stands for is up to the system's files.
    if (endpoint.is_loopback() && !address.endpoint().address().is_loopback()) {
      error = asio::error::access_denied;
      continue;
    }
    error = listen_at(acceptor_, address.endpoint());
    if (!error) break;
  }
  if (!acceptor_.is_open()) {
    throw IoError(fmt::format("cannot listen at {}: {}; give a free port of this machine, or 0 for any",
                              where_, error.message()));
  }
  port_ = acceptor_.local_endpoint(error).port();
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
  UnderWay waiting(shared_from_this(), waiting_);
  acceptor_.async_accept(
      [self = shared_from_this(), waiting = std::move(waiting)](ErrorCode error, tcp::socket socket) mutable {
        waiting.over();
        if (self->stopped_) return;
        if (error) {
          if (!self->failing_)
            log(LogLevel::kWarning, "net: cannot accept at {}: {}", self->where_, error.message());
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
  UnderWay waiting(shared_from_this(), waiting_);
  timer_.async_wait([self = shared_from_this(), waiting = std::move(waiting)](ErrorCode) mutable {
    waiting.over();
    self->accept();
  });
}

}  // namespace genkidama
