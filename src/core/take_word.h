#pragma once

// Reads descriptions, whose words have one space between them.

#include <algorithm>
#include <string_view>

namespace genkidama {

/// The next word of `text`, which loses it and the space behind it.
inline std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

}  // namespace genkidama
