#pragma once

// Makes what a fuzzer cannot guess right in a frame, or hardly one would ever be sound.

#include <xxhash.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/wire/frame.h"

namespace genkidama::fuzz {

inline void store(std::byte* at, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

/// The header's size of what follows.
inline void mend_length(std::span<std::byte> frame) {
  constexpr std::size_t kLengthAt = 64;
  if (frame.size() >= kFrameHeaderBytes) store(&frame[kLengthAt], frame.size() - kFrameHeaderBytes);
}

/// The header's checksum, after everything else.
inline void mend_checksum(std::span<std::byte> frame) {
  constexpr std::size_t kChecksumAt = 72;
  if (frame.size() < kFrameHeaderBytes) return;
  store(&frame[kChecksumAt], 0);
  store(&frame[kChecksumAt], XXH3_64bits(frame.data(), frame.size()));
}

/// The checksum of what both ends know, which stands before the elements of a codec with a reference.
inline void mend_reference(std::span<std::byte> frame, std::size_t extra, std::span<const float> reference) {
  if (frame.size() < kFrameHeaderBytes + extra + 8) return;
  std::vector<std::byte> bytes(4 * reference.size());
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(reference[i]);
    for (std::size_t b = 0; b < 4; ++b) bytes[4 * i + b] = static_cast<std::byte>(bits >> (8 * b) & 0xff);
  }
  store(&frame[kFrameHeaderBytes + extra], XXH3_64bits(bytes.data(), bytes.size()));
}

}  // namespace genkidama::fuzz
