#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace genkidama::test {

/// Two lower-case digits for each byte.
inline std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

}  // namespace genkidama::test
