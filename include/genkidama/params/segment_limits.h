#pragma once

/// @file
/// How much experience travels at once.

#include <cstddef>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The most bytes of segments that an actor sends to its learner at once: 1 GiB.
inline constexpr std::size_t kMostSegmentBytes = std::size_t{1} << 30;

}  // namespace genkidama
