#pragma once

#include "net/asio.h"

#include <optional>
#include <string>

#include "genkidama/net/limits.h"
#include "net/rate_limit.h"

namespace genkidama {

/// How many connections a Parent or a Child that listens takes; of all its listeners together.
class Admission {
 public:
  explicit Admission(const LinkLimits& limits);

  /// Why this new connection is closed at once, if it is. `sessions` are those there are, each with address()
  /// and joined(): with one from the same address that has not joined yet, it is one of too many.
  template <typename Sessions>
  std::optional<std::string> objection(const asio::ip::address& from, const Sessions& sessions) {
    if (sessions.size() >= limits_.max_connections) return too_many();
    if (!rate_.allow(Clock::now())) return too_fast();
    std::size_t waiting = 0;
    for (const auto& [key, session] : sessions) waiting += !session->joined() && session->from() == from;
    if (waiting >= limits_.max_handshakes_per_address) return too_many_of(from);
    return std::nullopt;
  }

 private:
  std::string too_many() const;
  std::string too_fast() const;
  std::string too_many_of(const asio::ip::address& from) const;

  const LinkLimits limits_;
  RateLimit rate_;
};

/// The other end's; the unspecified one when the connection is gone already.
asio::ip::address remote_address(const tcp::socket& socket);

}  // namespace genkidama
