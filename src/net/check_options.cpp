#include "net/check_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
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
  check_rate(limits.connection_rate, "connection_rate");
  if (limits.max_handshakes_per_address == 0) {
    throw ArgumentError("max_handshakes_per_address is 0; give at least 1");
  }
}

void check_rate(double rate, const char* name) {
  if (is_finite(rate) && rate >= 0) return;
  throw ArgumentError(fmt::format("{} is {}; give 0 (no limit) or a finite number above it", name, rate));
}

void check_backoff(Milliseconds min, Milliseconds max) {
  check_span(min, "backoff_min");
  if (max < min) {
    throw ArgumentError(
        fmt::format("backoff_max is {} ms, below backoff_min, {} ms", max.count(), min.count()));
  }
}

bool speaks_tls(const Endpoint& listen, const TlsOptions& tls) {
  return listen.tls || (!listen.plain && !tls.certificate.empty());
}

void check_security(const LinkSecurity& security, std::span<const Endpoint> listen,
                    const SecurityNames& names) {
  if (!security.token.empty() && !valid_token(security.token)) {
    // The token itself is not shown.
    throw ArgumentError(fmt::format(
        "{} has {} bytes, or some that are not printable; give 1 to {} printable ASCII characters without "
        "spaces",
        names.token, security.token.size(), kMaxTokenBytes));
  }
  const TlsOptions& tls = security.tls;
  if (tls.certificate.empty() != tls.key.empty()) {
    throw ArgumentError(
        fmt::format("{} and {} go together; give both or none", names.certificate, names.key));
  }
  const bool listens_in_tls =
      !tls.certificate.empty() && std::any_of(listen.begin(), listen.end(), [&](const Endpoint& endpoint) {
        return speaks_tls(endpoint, tls);
      });
  if (!tls.client_ca.empty() && !listens_in_tls) {
    throw ArgumentError(fmt::format("{} is for a listener that speaks TLS: give {} and {}", names.client_ca,
                                    names.certificate, names.key));
  }
  for (const Endpoint& endpoint : listen) {
    if (endpoint.tls && tls.certificate.empty()) {
      throw ArgumentError(fmt::format("{}{} needs {}{} and {}", names.listen, endpoint.text(), names.article,
                                      names.certificate, names.key));
    }
    // A client certificate authenticates a peer as well as the token does, but only where TLS is spoken.
    const bool guarded = !security.token.empty() || (!tls.client_ca.empty() && speaks_tls(endpoint, tls));
    if (guarded || security.insecure || endpoint.is_loopback()) continue;
    throw ArgumentError(fmt::format("{}{} can be reached from other machines: give {}{}, or {} to go without",
                                    names.listen, endpoint.text(), names.article, names.token,
                                    names.insecure));
  }
}

void check_dialled(const Endpoint& endpoint, std::string_view option) {
  if (endpoint.port != 0) return;
  throw ArgumentError(
      fmt::format("{} {}: nobody can be dialled at port 0; give the port at which the other side listens",
                  option, endpoint.text()));
}

void check_peer_name(const std::string& value, const char* option) {
  if (!valid_peer_name(value)) {
    throw ArgumentError(fmt::format("{} is '{}'; give 1 to {} printable ASCII characters", option,
                                    printable(value), kMaxNameBytes));
  }
}

}  // namespace genkidama
