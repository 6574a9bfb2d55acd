#include "net/host/connection_race.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <iterator>
#include <utility>

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

ConnectionRace::ConnectionRace(asio::io_context& context, std::vector<tcp::endpoint> addresses,
                               PendingFlag pending)
    : context_(context), addresses_(std::move(addresses)), timer_(context), pending_(std::move(pending)) {
  // Attempts refer to their sockets.
  sockets_.reserve(addresses_.size());
}

void ConnectionRace::start(Done done) {
  done_ = std::move(done);
  try_next();
}

void ConnectionRace::cancel() {
  cancelled_ = true;
  timer_.cancel();
  ErrorCode ignored;
  for (tcp::socket& socket : sockets_) socket.close(ignored);
}

void ConnectionRace::try_next() {
  if (cancelled_ || sockets_.size() == addresses_.size()) return;
  const std::size_t number = sockets_.size();
  sockets_.emplace_back(context_);
  sockets_.back().async_connect(addresses_[number], [self = shared_from_this(), number](ErrorCode error) {
    self->attempt_ended(number, error);
  });
  ++under_way_;
  if (sockets_.size() == addresses_.size()) return;
  timer_.expires_after(kNextAfter);
  timer_.async_wait([self = shared_from_this()](ErrorCode error) {
    if (!error && self->done_) self->try_next();
  });
}

void ConnectionRace::attempt_ended(std::size_t number, ErrorCode error) {
  --under_way_;
  if (!done_) return;
  if (!error && cancelled_) error = asio::error::operation_aborted;
  if (!error && connected_to_itself(sockets_[number])) error = asio::error::connection_refused;
  if (error) {
    timer_.cancel();
    try_next();
    if (under_way_ > 0) return;
  }
  finish(error, number);
}

void ConnectionRace::finish(ErrorCode error, std::size_t winner) {
  timer_.cancel();
  tcp::socket socket = std::move(sockets_[winner]);
  ErrorCode ignored;
  for (tcp::socket& other : sockets_) other.close(ignored);
  if (error) socket.close(ignored);
  const Done done = std::exchange(done_, nullptr);
  pending_.over();
  done(error, std::move(socket), addresses_[winner]);
}

std::vector<tcp::endpoint> race_order(const std::vector<tcp::endpoint>& addresses, const tcp::endpoint& last,
                                      bool after_last) {
  std::vector<tcp::endpoint> families[2];  // the first one's family, and the other
  for (const tcp::endpoint& address : addresses) {
    auto& family = families[address.protocol() == addresses.front().protocol() ? 0 : 1];
    if (std::find(family.begin(), family.end(), address) == family.end()) family.push_back(address);
  }
  std::vector<tcp::endpoint> order;
  for (std::size_t i = 0; i < std::max(families[0].size(), families[1].size()); ++i) {
    for (const auto& family : families) {
      if (i < family.size()) order.push_back(family[i]);
    }
  }
  if (const auto found = std::find(order.begin(), order.end(), last); found != order.end()) {
    const auto first = after_last ? std::next(found) : found;
    std::rotate(order.begin(), first == order.end() ? order.begin() : first, order.end());
  }
  return order;
}

}  // namespace genkidama
