#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace genkidama {

/// Where FNV-1a of 64 bits begins.
inline constexpr std::uint64_t kFnv1aStart = 0xcbf29ce484222325U;

/// FNV-1a (Fowler, Noll, Vo) of some bytes, behind those that `state` stands for. Nothing that is safe
/// against anybody.
constexpr std::uint64_t fnv1a(std::span<const std::byte> bytes, std::uint64_t state = kFnv1aStart) {
  for (const std::byte byte : bytes) state = (state ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3U;
  return state;
}

}  // namespace genkidama
