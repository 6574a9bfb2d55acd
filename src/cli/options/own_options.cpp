#include "cli/options/own_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "cli/options/command_line.h"
#include "cli/options/config_file.h"
#include "core/one_line.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/utf8.h"

namespace genkidama::cli {
namespace {

using nlohmann::json;

constexpr unsigned kOwnCommands = kEverywhere | kWatch | kShard | kEnvironmentHost | kCheck | kSimulation;
// Doubles, and so ranges, hold every whole number up to here.
constexpr std::int64_t kLargestWhole = std::int64_t{1} << 53;

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

[[noreturn]] void refuse(const Option& option, const std::string& what) {
  throw ArgumentError(fmt::format("Program::options: '{}' {}", option.name, what));
}

json json_of(const OptionValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->empty() ? json() : json(*text);
  return std::visit([](const auto& held) { return json(held); }, value);
}

OptionRow row_of(const Option& option, ValueKind kind, std::string placeholder, std::string expected) {
  OptionRow row;
  row.name = option.name;
  row.help = option.help;
  row.commands = kOwnCommands;
  row.group = "Environment";
  row.kind = kind;
  row.placeholder = std::move(placeholder);
  row.expected = std::move(expected);
  row.get = [name = option.name](const Settings& settings) {
    const auto found = settings.own.all().find(name);
    return found == settings.own.all().end() ? json() : json_of(found->second);
  };
  return row;
}

// Sets the value that `read` makes of JSON, if it makes any.
template <typename Read>
void set_by(OptionRow& row, Read read) {
  row.set = [name = row.name, read](Settings& settings, const json& value) {
    std::optional<OptionValue> held = read(value);
    if (held) settings.own.set(name, *std::move(held));
    return held.has_value();
  };
}

OptionRow number_row(const Option& option, const NumberOption& number) {
  const NumberRange range{number.min, number.max};
  if (!(number.min <= number.max)) {
    refuse(option, fmt::format("takes numbers from {} to {}; expected min <= max", number.min, number.max));
  }
  OptionRow row = row_of(option, ValueKind::kReal, "X", range.text("a number"));
  if (!is_finite(number.value) || !range.contains(number.value)) {
    refuse(option, fmt::format("is {} by default; expected {}", number.value, row.expected));
  }
  set_by(row, [range](const json& value) -> std::optional<OptionValue> {
    if (!value.is_number()) return {};
    const auto real = value.get<double>();
    return is_finite(real) && range.contains(real) ? std::optional<OptionValue>(real) : std::nullopt;
  });
  return row;
}

OptionRow whole_row(const Option& option, const WholeNumberOption& number) {
  if (number.min > number.max || number.min < -kLargestWhole || number.max > kLargestWhole) {
    refuse(option, fmt::format("takes whole numbers from {} to {}; expected min <= max, both within 2^53",
                               number.min, number.max));
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const NumberRange shown{number.min == -kLargestWhole ? -kInfinity : static_cast<double>(number.min),
                          number.max == kLargestWhole ? kInfinity : static_cast<double>(number.max)};
  OptionRow row = row_of(option, ValueKind::kInteger, "N", shown.text("a whole number"));
  if (number.value < number.min || number.value > number.max) {
    refuse(option, fmt::format("is {} by default; expected {}", number.value, row.expected));
  }
  const NumberRange range{static_cast<double>(number.min), static_cast<double>(number.max)};
  set_by(row, [range](const json& value) -> std::optional<OptionValue> {
    const auto whole = as_integer(value);
    if (!whole || !range.contains(whole->get<double>())) return {};
    return whole->get<std::int64_t>();
  });
  return row;
}

OptionRow text_row(const Option& option) {
  OptionRow row = row_of(option, ValueKind::kText, "TEXT", "a text that is not empty");
  set_by(row, [](const json& value) -> std::optional<OptionValue> {
    if (value.is_null()) return std::string();
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) return {};
    return value.get<std::string>();
  });
  return row;
}

OptionRow choice_row(const Option& option, const ChoiceOption& choice) {
  const auto& choices = choice.choices;
  const std::set<std::string> different(choices.begin(), choices.end());
  if (choices.empty() || different.size() != choices.size() || different.count("") > 0) {
    refuse(option,
           fmt::format("has the choices [{}]; expected at least one, none of them empty or given twice",
                       fmt::join(choices, ", ")));
  }
  OptionRow row = row_of(option, ValueKind::kText, fmt::format("{}", fmt::join(choices, "|")),
                         fmt::format("{}{}", choices.size() > 1 ? "one of " : "", fmt::join(choices, ", ")));
  if (!choice.value.empty() && different.count(choice.value) == 0) {
    refuse(option, fmt::format("is '{}' by default; expected {}", choice.value, row.expected));
  }
  set_by(row, [different](const json& value) -> std::optional<OptionValue> {
    if (!value.is_string() || different.count(value.get<std::string>()) == 0) return {};
    return value.get<std::string>();
  });
  return row;
}

OptionRow switch_row(const Option& option) {
  OptionRow row = row_of(option, ValueKind::kFlag, "", "true or false");
  set_by(row, [](const json& value) -> std::optional<OptionValue> {
    return value.is_boolean() ? std::optional<OptionValue>(value.get<bool>()) : std::nullopt;
  });
  return row;
}

OptionRow own_row(const Option& option) {
  return std::visit(Overloaded{[&](const NumberOption& number) { return number_row(option, number); },
                               [&](const WholeNumberOption& number) { return whole_row(option, number); },
                               [&](const TextOption&) { return text_row(option); },
                               [&](const ChoiceOption& choice) { return choice_row(option, choice); },
                               [&](const SwitchOption&) { return switch_row(option); }},
                    option.kind);
}

/// As a shell reads it.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted(1, '\'');
  for (const char c : word) {
    // A quote ends the quoted text, stands behind a backslash, and begins the next one.
    if (c == '\'') quoted.append("'\\'");
    quoted.push_back(c);
  }
  quoted.push_back('\'');
  return as_one_line(quoted);
}

bool is_name(const std::string& name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (name.size() < 2 || !is_letter(name.front()) || name.back() == '-') return false;
  return name.find("--") == std::string::npos && std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
         });
}

bool has_name(const std::vector<OptionRow>& rows, const std::string& name) {
  return std::any_of(rows.begin(), rows.end(), [&](const OptionRow& row) { return row.name == name; });
}

void check_name(const Option& option) {
  if (!is_name(option.name)) {
    refuse(option,
           "is no name of an option; expected lower-case letters and digits, words joined by '-', beginning "
           "with a letter, at least two characters");
  }
  OptionRow row;
  row.name = option.name;
  if (option.name == "help" || is_note(row.key())) {
    refuse(option, "is a word that every command line or config.json has; take another name");
  }
}

}  // namespace

std::string shell_words(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line.push_back(' ');
    line.append(shell_word(word));
  }
  return line;
}

std::vector<OptionRow> own_option_rows(const std::vector<Option>& options,
                                       const std::vector<OptionRow>& bundled) {
  std::vector<OptionRow> rows;
  for (const Option& option : options) {
    check_name(option);
    if (has_name(bundled, option.name)) refuse(option, "is the name of a bundled option; take another name");
    if (has_name(rows, option.name)) refuse(option, "is given twice; expected a name of its own for each");
    rows.push_back(own_row(option));
  }
  return rows;
}

OptionValues own_defaults(const std::vector<Option>& options) {
  OptionValues values;
  for (const Option& option : options) {
    values.set(option.name,
               std::visit(Overloaded{[](const ChoiceOption& choice) {
                                       return OptionValue(choice.value.empty() ? choice.choices.front()
                                                                               : choice.value);
                                     },
                                     [](const SwitchOption& own) { return OptionValue(own.is_on); },
                                     [](const auto& own) { return OptionValue(own.value); }},
                          option.kind));
  }
  return values;
}

std::string own_options_text(const OptionValues& values) {
  if (values.all().empty()) return "";
  json object = json::object();
  for (const auto& [name, value] : values.all()) {
    json held = json_of(value);
    if (held.is_string()) held = escape_bytes(held.get<std::string>());
    object[name] = std::move(held);
  }
  return object.dump();
}

void check_trusted(const std::string& source, const std::string& name, const json& value,
                   const std::vector<Option>& options, const std::string& command_line) {
  const auto option =
      std::find_if(options.begin(), options.end(), [&name](const Option& each) { return each.name == name; });
  const auto* const text = option == options.end() ? nullptr : std::get_if<TextOption>(&option->kind);
  if (text == nullptr || !text->distrust || !value.is_string()) return;
  const std::string why = text->distrust(value.get<std::string>());
  if (why.empty()) return;
  throw ArgumentError(fmt::format("{}: it says --{} {}, and {}; if you trust it, say so yourself: {} --{}={}",
                                  source, name, shell_word(value.get<std::string>()), why, command_line, name,
                                  shell_word(value.get<std::string>())));
}

void apply_own_options(const std::string& source, const std::string& text, const std::vector<Option>& options,
                       const std::vector<OptionRow>& table, Settings& settings) {
  const json values = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!values.is_object()) {
    throw ArgumentError(
        fmt::format("{}: its metadata's 'options' is '{}'; expected a JSON object", source, text));
  }
  for (const Option& option : options) {
    if (!values.contains(option.name) || names_option(settings.command_line, option.name)) continue;
    json value = values[option.name];
    if (value.is_string()) value = unescape_bytes(value.get<std::string>());
    check_trusted(source, option.name, value, options, shell_words(settings.command_line));
    const auto row = std::find_if(table.begin(), table.end(),
                                  [&](const OptionRow& each) { return each.name == option.name; });
    if (!row->set(settings, value)) {
      throw ArgumentError(fmt::format("{}: it was made with {} {}; expected {}; say which value to play with",
                                      source, row->flag(), value.dump(), row->expected));
    }
  }
}

}  // namespace genkidama::cli
