#pragma once

// Where what lies in coded elements (docs/wire_format.md).

#include <cstddef>
#include <cstdint>
#include <span>

namespace genkidama {

/// The checksum of the reference, which differences begin with.
inline constexpr std::size_t kReferenceBytes = 8;
inline constexpr std::size_t kScaleBytes = 4;
inline constexpr std::size_t kHalfBytes = 2;

/// A bit for each element, the first in the lowest bit of the first byte.
constexpr std::size_t bitmap_bytes(std::size_t elements) {
  return elements / 8 + (elements % 8 > 0 ? 1 : 0);
}

/// The elements that are worked on at a time: they and what belongs to them stay in the first cache.
inline constexpr std::size_t kCodecBlock = 512;

// Limits, as the bits of a float32 without its sign. Within them no product or sum of a codec overflows, and
// none depends on whether a processor flushes subnormal numbers to zero.

/// 2^-100: a smaller scale is 0, and a smaller element of a reference too.
inline constexpr std::uint32_t kLeastMagnitude = 0x0d800000;
/// 2^119: the greatest scale, whose multiples by 127 are finite by far.
inline constexpr std::uint32_t kGreatestScale = 0x7b000000;
/// 65504, the greatest float16.
inline constexpr std::uint32_t kGreatestFloat16 = 0x477fe000;
/// The greatest bfloat16.
inline constexpr std::uint32_t kGreatestBfloat16 = 0x7f7f0000;

/// Whether float32 may be read where these bytes lie.
bool hold_floats(const std::byte* at);

/// XXH3-64 of the bytes that store_floats() makes of a reference.
std::uint64_t reference_checksum(std::span<const float> reference);

}  // namespace genkidama
