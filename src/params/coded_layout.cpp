#include "params/coded_layout.h"

#include <xxhash.h>

#include <bit>
#include <vector>

#include "core/float_bytes.h"

namespace genkidama {
namespace {

constexpr bool kIsLittleEndian = std::endian::native == std::endian::little;

}  // namespace

bool hold_floats(const std::byte* at) {
  return kIsLittleEndian && reinterpret_cast<std::uintptr_t>(at) % alignof(float) == 0;
}

std::uint64_t reference_checksum(std::span<const float> reference) {
  if constexpr (kIsLittleEndian) {
    return XXH3_64bits(reference.data(), reference.size_bytes());
  } else {
    std::vector<std::byte> bytes(reference.size_bytes());
    store_floats(bytes.data(), reference);
    return XXH3_64bits(bytes.data(), bytes.size());
  }
}

}  // namespace genkidama
