#pragma once

// float32 as little-endian bytes, whatever the machine.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/little_endian.h"

namespace genkidama {

inline void store_floats(std::byte* to, std::span<const float> from) {
  if constexpr (std::endian::native == std::endian::little) {
    if (!from.empty()) std::memcpy(to, from.data(), from.size_bytes());
  } else {
    for (std::size_t i = 0; i < from.size(); ++i) store(to + 4 * i, std::bit_cast<std::uint32_t>(from[i]));
  }
}

inline void load_floats(std::span<float> to, const std::byte* from) {
  if constexpr (std::endian::native == std::endian::little) {
    if (!to.empty()) std::memcpy(to.data(), from, to.size_bytes());
  } else {
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[i] = std::bit_cast<float>(load<std::uint32_t>(from + 4 * i));
    }
  }
}

}  // namespace genkidama
