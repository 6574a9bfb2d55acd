#include "genkidama/core/utf8.h"

#include <algorithm>
#include <cstdint>

namespace genkidama {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kHexDigits = "0123456789abcdef";

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

bool in(std::uint8_t byte, int low, int high) {
  return byte >= low && byte <= high;
}

// Bytes of the character at the start of `text`, which is not empty; 0 when there is none. Unicode 15, table
// 3-7.
std::size_t character_bytes(std::string_view text) {
  const std::uint8_t first = byte_at(text, 0);
  if (first < 0x80) return 1;
  const std::size_t size = in(first, 0xC2, 0xDF)   ? 2
                           : in(first, 0xE0, 0xEF) ? 3
                           : in(first, 0xF0, 0xF4) ? 4
                                                   : 0;
  if (size == 0 || text.size() < size) return 0;
  const int low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const int high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (!in(byte_at(text, 1), low, high)) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (!in(byte_at(text, i), 0x80, 0xBF)) return 0;
  }
  return size;
}

// Copies the characters and hands every byte that belongs to none to `replace`.
template <typename Replace>
std::string rewritten(std::string_view text, Replace replace) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = character_bytes(text);
    if (size == 0)
      replace(byte_at(text, 0), result);
    else
      result += text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return result;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = character_bytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string to_utf8(std::string_view text) {
  return rewritten(text, [](std::uint8_t, std::string& result) { result += kReplacement; });
}

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  constexpr std::size_t kMostBytes = 4;
  // A character that crosses the border starts at most three bytes before it.
  for (std::size_t start = max_bytes; start > 0 && max_bytes - start < kMostBytes; --start) {
    const std::size_t first = start - 1;
    if ((byte_at(text, first) & 0xC0) == 0x80) continue;
    const std::size_t size = character_bytes(text.substr(first));
    return text.substr(0, first + size > max_bytes ? first : max_bytes);
  }
  return text.substr(0, max_bytes);
}

std::string escape_bytes(std::string_view bytes) {
  return rewritten(bytes, [](std::uint8_t byte, std::string& result) {
    result += '\0';
    result += kHexDigits[byte >> 4];
    result += kHexDigits[byte & 15];
  });
}

std::string unescape_bytes(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool marked = text[i] == '\0' && text.size() - i > 2;
    const auto high = marked ? kHexDigits.find(text[i + 1]) : std::string_view::npos;
    const auto low = marked ? kHexDigits.find(text[i + 2]) : std::string_view::npos;
    if (high == std::string_view::npos || low == std::string_view::npos) {
      result += text[i];
      continue;
    }
    result += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return result;
}

}  // namespace genkidama
