#include "cli/options/interval_text.h"

#include <charconv>

namespace genkidama::cli {
namespace {

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return {};
  return value;
}

// Takes the word away from the end.
bool take_last_word(std::string& text, const std::string& word) {
  const std::size_t start = text.size() > word.size() ? text.size() - word.size() : 0;
  if (start == 0 || text[start - 1] != ' ' || text.substr(start) != word) return false;
  text = trimmed(text.substr(0, start));
  return true;
}

}  // namespace

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<IntervalText> interval_of(std::string text) {
  IntervalText interval;
  for (bool more = true; more;) {
    const bool log = take_last_word(text, "log");
    const bool whole = take_last_word(text, "int");
    interval.logarithmic = interval.logarithmic || log;
    interval.whole = interval.whole || whole;
    more = log || whole;
  }
  const auto dots = text.find("..");
  if (dots == std::string::npos) return {};
  const auto low = number_of(trimmed(text.substr(0, dots)));
  const auto high = number_of(trimmed(text.substr(dots + 2)));
  if (!low || !high) return {};
  interval.low = *low;
  interval.high = *high;
  return interval;
}

}  // namespace genkidama::cli
