#include "core/markup.h"

#include "genkidama/core/utf8.h"

namespace genkidama {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
// U+FFFE and U+FFFF but for their last byte.
constexpr std::string_view kNoCharacter = "\xEF\xBF";

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

}  // namespace

std::string markup_text(std::string_view text) {
  const std::string valid = to_utf8(text);
  std::string result;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const char c = valid[i];
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else if (c == '\'') {
      result += "&#39;";
    } else if (is_control(c)) {
      result += kReplacement;
    } else if (valid.compare(i, 2, kNoCharacter) == 0 && static_cast<unsigned char>(valid[i + 2]) >= 0xBE) {
      result += kReplacement;
      i += 2;
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace genkidama
