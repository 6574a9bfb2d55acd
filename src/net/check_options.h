#pragma once

#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/net/limits.h"

namespace genkidama {

/// Each throws ArgumentError naming the option.
void check_limits(const LinkLimits& limits);
void check_backoff(Milliseconds min, Milliseconds max);
void check_peer_name(const std::string& value, const char* option);

}  // namespace genkidama
