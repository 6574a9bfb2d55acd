#pragma once

/// @file
/// Whether a number is finite, by its bits: no compiler flag about finite arithmetic can take the check away.

#include <bit>
#include <cstdint>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// false for NaN and for both infinities, also in code that is compiled with -ffast-math or -Ofast.
constexpr bool is_finite(float value) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  return (std::bit_cast<std::uint32_t>(value) & kExponent) != kExponent;
}

/// As above.
constexpr bool is_finite(double value) {
  constexpr std::uint64_t kExponent = 0x7ff0000000000000;
  return (std::bit_cast<std::uint64_t>(value) & kExponent) != kExponent;
}

}  // namespace genkidama
