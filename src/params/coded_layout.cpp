#include "params/coded_layout.h"

#include <xxhash.h>

#include <bit>
#include <cstring>
#include <vector>

#include "core/little_endian.h"

namespace genkidama {
namespace {

constexpr bool kIsLittleEndian = std::endian::native == std::endian::little;

}  // namespace

void store_floats(std::span<const float> from, std::byte* to) {
  if constexpr (kIsLittleEndian) {
    if (!from.empty()) std::memcpy(to, from.data(), from.size_bytes());
  } else {
    for (std::size_t i = 0; i < from.size(); ++i) store(to + 4 * i, std::bit_cast<std::uint32_t>(from[i]));
  }
}

void load_floats(const std::byte* from, std::span<float> to) {
  if constexpr (kIsLittleEndian) {
    if (!to.empty()) std::memcpy(to.data(), from, to.size_bytes());
  } else {
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[i] = std::bit_cast<float>(load<std::uint32_t>(from + 4 * i));
    }
  }
}

bool hold_floats(const std::byte* at) {
  return kIsLittleEndian && reinterpret_cast<std::uintptr_t>(at) % alignof(float) == 0;
}

std::uint64_t reference_checksum(std::span<const float> reference) {
  if constexpr (kIsLittleEndian) {
    return XXH3_64bits(reference.data(), reference.size_bytes());
  } else {
    std::vector<std::byte> bytes(reference.size_bytes());
    store_floats(reference, bytes.data());
    return XXH3_64bits(bytes.data(), bytes.size());
  }
}

}  // namespace genkidama
