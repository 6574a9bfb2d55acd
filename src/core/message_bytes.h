#pragma once

/// @file
/// A message in the encoding of Protocol Buffers, field by field, for who needs a few fields of somebody
/// else's format: https://protobuf.dev/programming-guides/encoding.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/little_endian.h"

namespace genkidama {

/// The value as little-endian bytes.
template <typename Unsigned>
std::string little_endian_text(Unsigned value) {
  std::array<std::byte, sizeof(Unsigned)> bytes;
  store(bytes.data(), value);
  std::string text;
  for (const std::byte each : bytes) text += std::to_integer<char>(each);
  return text;
}

/// Fields are given by their numbers, and the order of the calls is that of the bytes.
class MessageBytes {
 public:
  MessageBytes& whole(unsigned field, std::uint64_t value) {
    key(field, 0);
    varint(value);
    return *this;
  }
  MessageBytes& number(unsigned field, double value) {
    key(field, 1);
    bytes_ += little_endian_text(std::bit_cast<std::uint64_t>(value));
    return *this;
  }
  MessageBytes& number(unsigned field, float value) {
    key(field, 5);
    bytes_ += little_endian_text(std::bit_cast<std::uint32_t>(value));
    return *this;
  }
  MessageBytes& text(unsigned field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  MessageBytes& message(unsigned field, const MessageBytes& value) { return text(field, value.bytes()); }

  const std::string& bytes() const { return bytes_; }

 private:
  void key(unsigned field, unsigned wire_type) { varint(field << 3 | wire_type); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace genkidama
