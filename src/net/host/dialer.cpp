#include "net/host/dialer.h"

#include <fmt/format.h>

#include <new>
#include <random>
#include <utility>
#include <vector>

#include "net/host/pending_flag.h"
#include "net/span_text.h"

namespace genkidama {

Dialer::Dialer(asio::io_context& context, Endpoint endpoint, const Timing& timing)
    : context_(context),
      endpoint_(std::move(endpoint)),
      connect_timeout_(timing.connect_timeout),
      resolver_(context),
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
  if (const auto race = race_.lock()) race->cancel();
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
  last_address_works_ = true;
  backoff_.reset();
}

void Dialer::answered() {
  if (!std::exchange(answered_, true)) backoff_.reset();
}

void Dialer::retry() {
  if (stopped_) return;
  pending_ = false;
  timer_.expires_after(backoff_.next());
  PendingFlag pause(shared_from_this(), pending_);
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
    if (const auto race = self->race_.lock()) race->cancel();
    self->resolver_.cancel();
  });
  PendingFlag resolving(shared_from_this(), pending_);
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

void Dialer::connect(const tcp::resolver::results_type& found) {
  std::vector<tcp::endpoint> addresses;
  for (const auto& entry : found) addresses.push_back(entry.endpoint());
  addresses = race_order(addresses, last_address_, !last_address_works_);
  last_address_ = addresses.front();
  last_address_works_ = false;
  const auto race = std::make_shared<ConnectionRace>(context_, std::move(addresses),
                                                     PendingFlag(shared_from_this(), pending_));
  race_ = race;
  race->start([self = shared_from_this()](ErrorCode error, tcp::socket socket, const tcp::endpoint& address) {
    if (!error) self->last_address_ = address;
    self->race_ended(error, std::move(socket));
  });
}

void Dialer::race_ended(ErrorCode error, tcp::socket socket) {
  if (stopped_) return;
  if (error || timed_out_) {
    attempt_failed(error.message());
    return;
  }
  timer_.cancel();
  connected_(std::move(socket));
  // Until retry(), which may have been called already.
  pending_ = true;
}

void Dialer::attempt_failed(const std::string& reason) {
  answered_ = false;
  const std::string why =
      timed_out_ ? fmt::format("no answer within {}", span_text(connect_timeout_)) : reason;
  failed_(fmt::format("cannot connect to {}: {}", endpoint_.text(), why));
  retry();
}

}  // namespace genkidama
