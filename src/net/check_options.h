#pragma once

#include <span>
#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"

namespace genkidama {

/// Each throws ArgumentError naming the option.
void check_limits(const LinkLimits& limits);
void check_backoff(Milliseconds min, Milliseconds max);
/// `listen`: where this side listens; elsewhere than on loopback it needs a token or `insecure`.
void check_security(const LinkSecurity& security, std::span<const Endpoint> listen);
void check_peer_name(const std::string& value, const char* option);

}  // namespace genkidama
