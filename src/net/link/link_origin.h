#pragma once

#include <optional>

#include "genkidama/net/endpoint.h"

namespace genkidama {

/// How a connection came about.
struct LinkOrigin {
  std::optional<Endpoint> dialled;  ///< whom this side dialled; nothing when it accepted the connection
  bool tls = false;                 ///< whether the connection speaks TLS
};

/// The origin of a connection to `endpoint`.
inline LinkOrigin dialled(const Endpoint& endpoint) {
  return {endpoint, endpoint.tls};
}

/// The origin of a connection that a listener accepted.
inline LinkOrigin accepted(bool tls) {
  return {std::nullopt, tls};
}

}  // namespace genkidama
