#include "run/export/c_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "genkidama/run/export.h"

namespace genkidama::run {
namespace {

// Of one kind in every locale.
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) {
  return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

/// fmt writes a whole number without a point, which C takes for an int.
std::string with_point(std::string digits) {
  if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
  return digits;
}

std::string literal(float value) {
  return c_literal(value);
}
std::string literal(double value) {
  return c_literal(value);
}
std::string literal(int value) {
  return fmt::format("{}", value);
}

template <typename T>
std::string table(std::string_view type, std::string_view name, std::span<const T> values) {
  constexpr std::size_t kColumns = 100;
  std::string text = fmt::format("static const {} {}[{}] = {{", type, name, values.size());
  std::size_t column = kColumns;
  for (const T value : values) {
    const std::string word = literal(value) + ",";
    const bool breaks = column + 1 + word.size() > kColumns;
    text += breaks ? "\n  " : " ";
    column = (breaks ? 2 : column + 1) + word.size();
    text += word;
  }
  text.back() = '\n';  // in place of the last comma
  return text + "};\n";
}

}  // namespace

bool is_c_prefix(std::string_view text) {
  if (text.empty() || text.size() > kLongestPrefix) return false;
  if (!is_lower(text.front()) && !is_upper(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '_'; });
}

std::string comment_text(std::string_view text) {
  constexpr std::string_view kHarmless = " _-.,:+()";
  std::string result(text);
  for (char& c : result) {
    const bool stays = is_lower(c) || is_upper(c) || is_digit(c) || kHarmless.find(c) != std::string::npos;
    if (!stays) c = '_';
  }
  return result;
}

std::string with_prefix(std::string_view text, const std::string& prefix) {
  std::string capitals;
  std::transform(prefix.begin(), prefix.end(), std::back_inserter(capitals), upper);
  std::string result;
  for (const char c : text) {
    if (c == '@') {
      result += prefix;
    } else if (c == '$') {
      result += capitals;
    } else {
      result += c;
    }
  }
  return result;
}

std::string c_literal(float value) {
  return with_point(fmt::format("{}", value)) + "f";
}

std::string c_literal(double value) {
  return with_point(fmt::format("{}", value));
}

std::string c_table(std::string_view name, std::span<const float> values) {
  return table("float", name, values);
}

std::string c_table(std::string_view name, std::span<const double> values) {
  return table("double", name, values);
}

std::string c_table(std::string_view name, std::span<const std::uint8_t> values) {
  return table("uint8_t", name, values);
}

std::string c_table(std::string_view name, std::span<const std::uint16_t> values) {
  return table("uint16_t", name, values);
}

std::string c_table(std::string_view name, std::span<const std::int8_t> values) {
  return table("int8_t", name, values);
}

std::string export_prefix(std::string_view environment) {
  std::string prefix;
  char before = '\0';
  for (const char c : environment) {
    const bool begins_word = is_upper(c) && (is_lower(before) || is_digit(before));
    const bool is_letter = is_lower(c) || is_upper(c) || is_digit(c);
    if ((begins_word || !is_letter) && !prefix.empty() && prefix.back() != '_') prefix += '_';
    if (is_letter) prefix += lower(c);
    before = c;
  }
  prefix.erase(0, std::min(prefix.find_first_not_of("0123456789_"), prefix.size()));
  prefix.resize(std::min(prefix.size(), kLongestPrefix));
  while (!prefix.empty() && prefix.back() == '_') prefix.pop_back();
  return prefix.empty() ? "policy" : prefix;
}

}  // namespace genkidama::run
