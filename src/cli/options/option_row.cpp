#include "cli/options/option_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/net/endpoint.h"

namespace genkidama::cli {
namespace {

using nlohmann::json;

// Doubles hold every whole number up to here.
constexpr double kLargestExactInteger = 9007199254740992.0;

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return fmt::format("{:.0f}", value);
  return fmt::format("{}", value);
}

std::optional<double> parse_real(const std::string& text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || !is_finite(value)) return {};
  return value;
}

std::optional<json> parse_integer(const std::string& text) {
  const char* end = text.data() + text.size();
  std::uint64_t whole = 0;
  if (const auto result = std::from_chars(text.data(), end, whole);
      result.ec == std::errc() && result.ptr == end) {
    return json(whole);
  }
  std::int64_t negative = 0;
  if (const auto result = std::from_chars(text.data(), end, negative);
      result.ec == std::errc() && result.ptr == end) {
    return json(negative);
  }
  // "8e6" is how people write many steps.
  const auto real = parse_real(text);
  if (!real || *real != std::floor(*real) || std::abs(*real) > kLargestExactInteger) return {};
  return *real < 0 ? json(static_cast<std::int64_t>(*real)) : json(static_cast<std::uint64_t>(*real));
}

bool read_real(const NumberRange& range, const json& value, double& out) {
  if (!value.is_number()) return false;
  const double real = value.get<double>();
  if (!is_finite(real) || !range.contains(real)) return false;
  out = real;
  return true;
}

template <typename Integer>
bool read_integer(const NumberRange& range, const json& value, Integer& out) {
  const auto integer = as_integer(value);
  if (!integer || !range.contains(integer->get<double>())) return false;
  out = integer->get<Integer>();
  return true;
}

template <typename T>
std::function<json(const Settings&)> getter(Member<T> member) {
  return [member](const Settings& settings) { return json(member.read(settings)); };
}

template <typename T>
std::function<json(const Settings&)> optional_getter(Member<std::optional<T>> member) {
  return [member](const Settings& settings) {
    const auto& value = member.read(settings);
    return value ? json(*value) : json();
  };
}

OptionRow row_of(ValueKind kind, std::string placeholder, std::string expected) {
  OptionRow row;
  row.kind = kind;
  row.placeholder = std::move(placeholder);
  row.expected = std::move(expected);
  return row;
}

constexpr const char* kNoNumbers = "none";

/// An array of the whole numbers in a text such as "64,64"; null when it is anything else.
json split_integers(const std::string& text) {
  json numbers = json::array();
  if (text == kNoNumbers) return numbers;
  for (std::size_t begin = 0; begin <= text.size();) {
    // A sweep's grid has commas between its values, so an x stands for one as well.
    const std::size_t end = std::min(text.find_first_of(",x", begin), text.size());
    const auto number = parse_integer(text.substr(begin, end - begin));
    if (!number) return {};
    numbers.push_back(*number);
    begin = end + 1;
  }
  return numbers;
}

bool is_text(const json& value) {
  return value.is_string() && !value.get_ref<const std::string&>().empty();
}

bool is_endpoint(const json& value) {
  if (!value.is_string()) return false;
  try {
    Endpoint::parse(value.get<std::string>());
    return true;
  } catch (const ArgumentError&) {
    return false;
  }
}

OptionRow text_list(Member<TextList> member, bool (*is_item)(const json&)) {
  OptionRow row = row_of(ValueKind::kTextList, "TEXT", "a text that is not empty");
  row.set = [=](Settings& settings, const json& value) {
    if (value.is_null()) {
      member.write(settings).clear();
      return true;
    }
    const json list = value.is_string() ? json::array({value}) : value;
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_item)) return false;
    member.write(settings) = list.get<TextList>();
    return true;
  };
  row.get = [member](const Settings& settings) {
    const TextList& list = member.read(settings);
    return list.empty() ? json() : json(list);
  };
  return row;
}

}  // namespace

bool NumberRange::contains(double value) const {
  return (min_open ? value > min : value >= min) && (max_open ? value < max : value <= max);
}

std::string NumberRange::text(const char* what) const {
  const bool low = is_finite(min);
  const bool high = is_finite(max);
  if (low && high) {
    return fmt::format("{} in {}{}, {}{}", what, min_open ? '(' : '[', number_text(min), number_text(max),
                       max_open ? ')' : ']');
  }
  if (low) return fmt::format("{} {} {}", what, min_open ? ">" : ">=", number_text(min));
  if (high) return fmt::format("{} {} {}", what, max_open ? "<" : "<=", number_text(max));
  return what;
}

std::string OptionRow::key() const {
  std::string key = name;
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

std::string OptionRow::value_text(const Settings& settings) const {
  const json value = get(settings);
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const json& item : value) text += (text.empty() ? "" : " ") + item.get<std::string>();
  return text;
}

std::optional<json> as_integer(const json& value) {
  if (value.is_number_integer()) return value;
  if (!value.is_number_float()) return {};
  const double real = value.get<double>();
  if (real != std::floor(real) || std::abs(real) > kLargestExactInteger) return {};
  return real < 0 ? json(static_cast<std::int64_t>(real)) : json(static_cast<std::uint64_t>(real));
}

std::optional<json> value_from_text(ValueKind kind, const std::string& text) {
  switch (kind) {
    case ValueKind::kReal: {
      const auto real = parse_real(text);
      return real ? std::optional<json>(*real) : std::nullopt;
    }
    case ValueKind::kInteger:
      return parse_integer(text);
    case ValueKind::kBoolean:
    case ValueKind::kFlag:
      if (text == "true") return json(true);
      if (text == "false") return json(false);
      return {};
    case ValueKind::kText:
      return json(text);
    case ValueKind::kTextList:
      return json::array({text});
  }
  return {};
}

OptionRow real_option(NumberRange range, Member<double> member) {
  OptionRow row = row_of(ValueKind::kReal, "X", range.text("a number"));
  row.set = [=](Settings& settings, const json& value) {
    return read_real(range, value, member.write(settings));
  };
  row.get = getter<double>(member);
  return row;
}

OptionRow real_option(NumberRange range, Member<OptionalReal> member) {
  OptionRow row = row_of(ValueKind::kReal, "X", range.text("a number"));
  row.set = [=](Settings& settings, const json& value) {
    double real = 0;
    if (!value.is_null() && !read_real(range, value, real)) return false;
    member.write(settings) = value.is_null() ? OptionalReal() : OptionalReal(real);
    return true;
  };
  row.get = optional_getter<double>(member);
  return row;
}

OptionRow count_option(NumberRange range, Member<std::uint64_t> member) {
  OptionRow row = row_of(ValueKind::kInteger, "N", range.text("a whole number"));
  row.set = [=](Settings& settings, const json& value) {
    return read_integer(range, value, member.write(settings));
  };
  row.get = getter<std::uint64_t>(member);
  return row;
}

OptionRow count_option(NumberRange range, Member<OptionalCount> member) {
  OptionRow row = row_of(ValueKind::kInteger, "N", range.text("a whole number"));
  row.set = [=](Settings& settings, const json& value) {
    std::uint64_t count = 0;
    if (!value.is_null() && !read_integer(range, value, count)) return false;
    member.write(settings) = value.is_null() ? OptionalCount() : OptionalCount(count);
    return true;
  };
  row.get = optional_getter<std::uint64_t>(member);
  return row;
}

OptionRow int_option(NumberRange range, Member<int> member) {
  range.max = std::min(range.max, static_cast<double>(std::numeric_limits<int>::max()));
  const bool unbounded = range.max == static_cast<double>(std::numeric_limits<int>::max());
  const NumberRange shown{range.min, unbounded ? std::numeric_limits<double>::infinity() : range.max};
  OptionRow row = row_of(ValueKind::kInteger, "N", shown.text("a whole number"));
  row.set = [=](Settings& settings, const json& value) {
    return read_integer(range, value, member.write(settings));
  };
  row.get = getter<int>(member);
  return row;
}

OptionRow boolean_option(Member<bool> member) {
  OptionRow row = row_of(ValueKind::kBoolean, "true|false", "true or false");
  row.set = [=](Settings& settings, const json& value) {
    if (!value.is_boolean()) return false;
    member.write(settings) = value.get<bool>();
    return true;
  };
  row.get = getter<bool>(member);
  return row;
}

OptionRow flag_option(Member<bool> member) {
  OptionRow row = boolean_option(member);
  row.kind = ValueKind::kFlag;
  row.placeholder.clear();
  return row;
}

OptionRow text_option(Member<std::string> member) {
  OptionRow row = row_of(ValueKind::kText, "TEXT", "a text that is not empty");
  row.set = [=](Settings& settings, const json& value) {
    if (value.is_null()) {
      member.write(settings).clear();
      return true;
    }
    if (!value.is_string() || value.get<std::string>().empty()) return false;
    member.write(settings) = value.get<std::string>();
    return true;
  };
  row.get = [member](const Settings& settings) {
    const std::string& text = member.read(settings);
    return text.empty() ? json() : json(text);
  };
  return row;
}

OptionRow path_option(Member<std::filesystem::path> member) {
  OptionRow row = row_of(ValueKind::kText, "PATH", "a path");
  row.set = [=](Settings& settings, const json& value) {
    if (value.is_null()) {
      member.write(settings).clear();
      return true;
    }
    if (!is_text(value)) return false;
    member.write(settings) = value.get<std::string>();
    return true;
  };
  row.get = [member](const Settings& settings) {
    const std::string path = member.read(settings).string();
    return path.empty() ? json() : json(path);
  };
  return row;
}

OptionRow text_list_option(Member<TextList> member) {
  return text_list(member, is_text);
}

OptionRow endpoints_option(Member<TextList> member) {
  OptionRow row = text_list(member, is_endpoint);
  row.placeholder = "HOST:PORT";
  row.expected = "HOST:PORT or [IPV6]:PORT, the port from 0 to 65535, for TLS after wss://";
  return row;
}

OptionRow int_list_option(NumberRange range, Member<std::vector<int>> member) {
  OptionRow row =
      row_of(ValueKind::kText, "N,N,...",
             fmt::format("'none' or numbers such as 64,64, each {}", range.text("a whole number")));
  row.set = [=](Settings& settings, const json& value) {
    const json list = value.is_string() ? split_integers(value.get<std::string>()) : value;
    if (!list.is_array()) return false;
    std::vector<int> numbers(list.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (!read_integer(range, list[i], numbers[i])) return false;
    }
    member.write(settings) = std::move(numbers);
    return true;
  };
  row.get = [member](const Settings& settings) {
    const std::vector<int>& numbers = member.read(settings);
    return json(numbers.empty() ? kNoNumbers : fmt::format("{}", fmt::join(numbers, ",")));
  };
  return row;
}

OptionRow choice_option(TextList choices, std::function<std::string(const Settings&)> get,
                        std::function<void(Settings&, const std::string&)> set) {
  OptionRow row = row_of(ValueKind::kText, fmt::format("{}", fmt::join(choices, "|")),
                         fmt::format("{}", fmt::join(choices, ", ")));
  if (choices.size() > 1) row.expected = "one of " + row.expected;
  if (choices.empty()) {
    row.placeholder = "NAME";
    row.expected = "a name";
  }
  row.set = [choices, set](Settings& settings, const json& value) {
    if (!value.is_string()) return false;
    const auto text = value.get<std::string>();
    if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) return false;
    set(settings, text);
    return true;
  };
  row.get = [get](const Settings& settings) { return json(get(settings)); };
  return row;
}

}  // namespace genkidama::cli
