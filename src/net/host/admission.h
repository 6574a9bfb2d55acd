#pragma once

#include "net/asio.h"

#include <cstddef>
#include <optional>
#include <string>

#include "core/rate_limit.h"
#include "genkidama/net/limits.h"

namespace genkidama {

/// How many connections a Parent or a Child that listens takes, at all its listeners together.
class Admission {
 public:
  explicit Admission(const LinkLimits& limits);

  /// Why this new connection is closed at once, if it is. `connections`: how many there are already;
  /// `waiting`: how many of them are from the same address and have not joined yet.
  std::optional<std::string> objection(const asio::ip::address& from, std::size_t connections,
                                       std::size_t waiting);

 private:
  const LinkLimits limits_;
  RateLimit rate_;
};

/// The other end's address; the unspecified one when the connection is gone already.
asio::ip::address remote_address(const tcp::socket& socket);

}  // namespace genkidama
