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
}

void check_backoff(Milliseconds min, Milliseconds max) {
  check_span(min, "backoff_min");
  if (max < min) {
    throw ArgumentError(
        fmt::format("backoff_max is {} ms, below backoff_min, {} ms", max.count(), min.count()));
  }
}

void check_peer_name(const std::string& value, const char* option) {
  if (!valid_peer_name(value)) {
    throw ArgumentError(fmt::format("{} is '{}'; give 1 to {} printable ASCII characters", option,
                                    printable(value), kMaxNameBytes));
  }
}

}  // namespace genkidama
