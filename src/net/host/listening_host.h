#pragma once

// What a process that only listens, such as a shard or a server, asks of its host.

#include "net/host/link_host.h"

namespace genkidama {

/// `options` have a name, endpoints to listen at, limits and security. `peer` as HostOptions::peer.
template <typename Options>
HostOptions listening_host(const Options& options, const char* peer) {
  HostOptions host;
  host.who = options.name;
  host.peer = peer;
  host.listen = options.listen;
  host.limits = options.limits;
  host.security = options.security;
  host.backoff_min = host.backoff_max = Milliseconds(1'000);
  // Each may hold max_control_bytes before anything is known about it.
  host.max_pending = 256;
  return host;
}

}  // namespace genkidama
