#include "net/host/dialer.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <new>
#include <random>
#include <utility>

#include "net/host/under_way.h"

namespace genkidama {
namespace {

/// On one machine, dialling a port of the ephemeral range that nobody listens at can, rarely, get that very
/// port as the source and so succeed.
bool connected_to_itself(const tcp::socket& socket) {
  ErrorCode error;
  const tcp::endpoint here = socket.local_endpoint(error);
  if (error) return false;
  const tcp::endpoint there = socket.remote_endpoint(error);
  return !error && here == there;
}

}  // namespace

Dialer::Dialer(asio::io_context& context, Endpoint endpoint, const Timing& timing)
    : endpoint_(std::move(endpoint)),
      connect_timeout_(timing.connect_timeout),
      resolver_(context),
      socket_(context),
      timer_(context),
      backoff_(timing.backoff_min, timing.backoff_max, std::random_device{}()) {}

void Dialer::start(std::function<void(tcp::socket)> connected,
                   std::function<void(const std::string&)> failed) {
  connected_ = std::move(connected);
  failed_ = std::move(failed);
  if (!pending_) dial();
}

void Dialer::stop() {
  stopped_ = true;
  timer_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
  connected_ = nullptr;
  failed_ = nullptr;
  try {
    resolver_.cancel();
  } catch (const std::bad_alloc&) {
    // It wants memory for that. What is found will be for nobody.
  }
}

void Dialer::succeeded() {
  answered_ = false;
  backoff_.reset();
}

void Dialer::answered() {
  if (!std::exchange(answered_, true)) backoff_.reset();
}

void Dialer::retry() {
  if (stopped_) return;
  pending_ = false;
  timer_.expires_after(backoff_.next());
  UnderWay pause(shared_from_this(), pending_);
  timer_.async_wait([self = shared_from_this(), pause = std::move(pause)](ErrorCode error) mutable {
    pause.over();
    if (!error) self->dial();
  });
}

void Dialer::dial() {
  if (stopped_) return;
  timed_out_ = false;
  timer_.expires_after(connect_timeout_);
  timer_.async_wait([self = shared_from_this()](ErrorCode error) {
    if (error || self->stopped_) return;
    self->timed_out_ = true;
    ErrorCode ignored;
    self->socket_.close(ignored);
    self->resolver_.cancel();
  });
  UnderWay resolving(shared_from_this(), pending_);
  resolver_.async_resolve(endpoint_.host, std::to_string(endpoint_.port),
                          [self = shared_from_this(), resolving = std::move(resolving)](
                              ErrorCode error, const tcp::resolver::results_type& addresses) mutable {
                            resolving.over();
                            if (self->stopped_) return;
                            if (error || self->timed_out_) {
                              self->attempt_failed(error.message());
                            } else {
                              self->connect(addresses);
                            }
                          });
}

void Dialer::connect(const tcp::resolver::results_type& addresses) {
  // Closing the socket makes async_connect go on to the next address unless the condition says no.
  const auto go_on = [self = shared_from_this()](const ErrorCode&, const tcp::endpoint&) {
    return !self->timed_out_ && !self->stopped_;
  };
  UnderWay connecting(shared_from_this(), pending_);
  asio::async_connect(socket_, addresses, go_on,
                      [self = shared_from_this(), connecting = std::move(connecting)](
                          ErrorCode error, const tcp::endpoint&) mutable {
                        connecting.over();
                        if (self->stopped_) return;
                        if (error || self->timed_out_) {
                          self->attempt_failed(error.message());
                          return;
                        }
                        self->timer_.cancel();
                        if (connected_to_itself(self->socket_)) {
                          self->attempt_failed("nobody listens there");
                          return;
                        }
                        self->connected_(std::move(self->socket_));
                        // Until retry(), which may have been called already.
                        self->pending_ = true;
                      });
}

void Dialer::attempt_failed(const std::string& reason) {
  answered_ = false;
  ErrorCode ignored;
  socket_.close(ignored);
  const std::string why =
      timed_out_ ? fmt::format("no answer within {} ms", connect_timeout_.count()) : reason;
  failed_(fmt::format("cannot connect to {}: {}", endpoint_.text(), why));
  retry();
}

}  // namespace genkidama
