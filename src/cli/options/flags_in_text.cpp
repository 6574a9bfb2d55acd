#include "cli/options/flags_in_text.h"

#include <algorithm>

namespace genkidama::cli {
namespace {

bool belongs_to_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Paths, addresses and names in quotes are the user's own words.
bool is_apart(char c) {
  return c == ' ' || c == ',' || c == ';' || c == ':' || c == '(' || c == ')';
}

std::string joined_key(std::string_view word) {
  std::string key(word);
  std::replace(key.begin(), key.end(), '.', '_');
  return key;
}

bool is_key(const std::string& key, const std::vector<OptionRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [&](const OptionRow& row) { return row.key() == key; });
}

}  // namespace

std::string with_flags(std::string_view text, const std::vector<OptionRow>& rows) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && belongs_to_word(text[end])) ++end;
    if (end == i) {
      result += text[i++];
      continue;
    }
    // tls.certificate is the field of a field, and one option.
    std::size_t whole = end;
    while (whole + 1 < text.size() && text[whole] == '.' && belongs_to_word(text[whole + 1])) {
      ++whole;
      while (whole < text.size() && belongs_to_word(text[whole])) ++whole;
    }
    if (is_key(joined_key(text.substr(i, whole - i)), rows)) end = whole;
    const std::string word = joined_key(text.substr(i, end - i));
    const bool stands_apart =
        (i == 0 || is_apart(text[i - 1])) && (end == text.size() || is_apart(text[end]) || text[end] == '.');
    const bool is_field =
        word.find('_') != std::string::npos || (i == 0 && text.substr(end).starts_with(" is "));
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const OptionRow& r) { return r.key() == word; });
    result +=
        stands_apart && is_field && row != rows.end() ? row->flag() : std::string(text.substr(i, end - i));
    i = end;
  }
  return result;
}

}  // namespace genkidama::cli
