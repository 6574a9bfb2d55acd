#pragma once

#include <cstddef>

#include "genkidama/net/limits.h"
#include "genkidama/wire/message.h"

namespace genkidama {

/// Throws ArgumentError for a network that a hello has no room for, with so many bytes that later hellos may
/// have more.
void check_hello_size(const HelloMessage& hello, const LinkLimits& limits, std::size_t later_bytes = 0);

}  // namespace genkidama
