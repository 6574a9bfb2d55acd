#include "net/check_options.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "genkidama/wire/message.h"
#include "genkidama/wire/protocol.h"

namespace genkidama {
namespace {

constexpr std::size_t kMinControlBytes = 4096;  // a refusal with the longest reason fits

void check_span(Milliseconds value, const char* option) {
  if (value <= Milliseconds::zero()) {
    throw ArgumentError(fmt::format("{} is {} ms; give at least 1 ms", option, value.count()));
  }
}

}  // namespace

void check_limits(const LinkLimits& limits) {
  check_span(limits.connect_timeout, "connect_timeout");
  check_span(limits.handshake_timeout, "handshake_timeout");
  check_span(limits.idle_timeout, "idle_timeout");
  check_span(limits.close_timeout, "close_timeout");
  if (limits.max_control_bytes < kMinControlBytes) {
    throw ArgumentError(
        fmt::format("max_control_bytes is {}; give at least {}", limits.max_control_bytes, kMinControlBytes));
  }
  if (limits.max_connections == 0) throw ArgumentError("max_connections is 0; give at least 1");
  if (limits.connection_burst == 0) throw ArgumentError("connection_burst is 0; give at least 1");
  if (!(limits.connection_rate >= 0)) {
    throw ArgumentError(
        fmt::format("connection_rate is {}; give 0 (no limit) or more", limits.connection_rate));
  }
  if (limits.max_handshakes_per_address == 0) {
    throw ArgumentError("max_handshakes_per_address is 0; give at least 1");
  }
}

void check_backoff(Milliseconds min, Milliseconds max) {
  check_span(min, "backoff_min");
  if (max < min) {
    throw ArgumentError(
        fmt::format("backoff_max is {} ms, below backoff_min, {} ms", max.count(), min.count()));
  }
}

void check_security(const LinkSecurity& security, std::span<const Endpoint> listen) {
  if (!security.token.empty() && !valid_token(security.token)) {
    // The token itself is not shown.
    throw ArgumentError(fmt::format(
        "security.token has {} bytes, or some that are not printable; give 1 to {} printable ASCII "
        "characters without spaces",
        security.token.size(), kMaxTokenBytes));
  }
  const TlsOptions& tls = security.tls;
  if (tls.certificate.empty() != tls.key.empty()) {
    throw ArgumentError("tls.certificate and tls.key go together; give both or none");
  }
  if (!tls.client_ca.empty() && (tls.certificate.empty() || listen.empty())) {
    throw ArgumentError("tls.client_ca is for a listener that has a tls.certificate");
  }
  for (const Endpoint& endpoint : listen) {
    if (endpoint.tls && tls.certificate.empty()) {
      throw ArgumentError(fmt::format("{} needs a tls.certificate and its tls.key", endpoint.text()));
    }
    // Whoever has a certificate of client_ca is as good as one with the token.
    const bool guarded = !security.token.empty() || !tls.client_ca.empty();
    if (guarded || security.insecure || endpoint.is_loopback()) continue;
    throw ArgumentError(fmt::format(
        "{} can be reached from other machines: give a security.token, or set security.insecure to go "
        "without",
        endpoint.text()));
  }
}

void check_peer_name(const std::string& value, const char* option) {
  if (!valid_peer_name(value)) {
    throw ArgumentError(fmt::format("{} is '{}'; give 1 to {} printable ASCII characters", option,
                                    printable(value), kMaxNameBytes));
  }
}

}  // namespace genkidama
