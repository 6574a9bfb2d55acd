#pragma once

/// @file
/// One option: its flag, its key in a config file, its range, its help, and where its value lives.

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cli/options/settings.h"

namespace genkidama::cli {

enum class ValueKind { kReal, kInteger, kBoolean, kFlag, kText, kTextList };

/// Which numbers an option takes.
struct NumberRange {
  double min;
  double max;
  bool min_open = false;
  bool max_open = false;

  bool contains(double value) const;
  std::string text(const char* what) const;  ///< "a number in [0, 1)"
};

struct OptionRow {
  std::string name;         ///< "batch-size"
  unsigned commands = 0;    ///< subcommands that take it
  std::string group;        ///< heading in --help
  std::string placeholder;  ///< stands for the value in --help
  std::string help;
  std::string expected;  ///< for errors: "a whole number >= 1"
  ValueKind kind = ValueKind::kText;
  bool in_config = true;  ///< false: only a flag, it does not shape the run
  bool hidden = false;
  bool is_word = false;  ///< it stands without a flag, as its placeholder
  /// Takes a value of the right JSON type, null for "not set"; false when it does not fit.
  std::function<bool(Settings&, const nlohmann::json&)> set;
  std::function<nlohmann::json(const Settings&)> get;

  std::string flag() const { return is_word ? placeholder : "--" + name; }
  std::string key() const;  ///< "batch_size"
  /// The value as a user would type it; empty when it is not set.
  std::string value_text(const Settings& settings) const;
};

/// A whole number, also one that JSON reads as a real number, such as 8e6; nothing for anything else.
std::optional<nlohmann::json> as_integer(const nlohmann::json& value);

/// What a flag's text means as a value of `kind`; nothing when it means none.
std::optional<nlohmann::json> value_from_text(ValueKind kind, const std::string& text);

/// Where an option's value lives in Settings (or in what they hold), for reading and for writing.
template <typename T>
struct Member {
  T& (*write)(Settings&);
  const T& (*read)(const Settings&);
};

/// The member that `access`, a generic function without state, finds in settings.
template <typename Access>
auto member_of(Access access) {
  return Member<std::remove_reference_t<decltype(access(std::declval<Settings&>()))>>{access, access};
}

using OptionalReal = std::optional<double>;
using OptionalCount = std::optional<std::uint64_t>;
using TextList = std::vector<std::string>;

OptionRow real_option(NumberRange range, Member<double> member);
OptionRow real_option(NumberRange range, Member<OptionalReal> member);
OptionRow count_option(NumberRange range, Member<std::uint64_t> member);
OptionRow count_option(NumberRange range, Member<OptionalCount> member);
OptionRow int_option(NumberRange range, Member<int> member);
OptionRow boolean_option(Member<bool> member);
OptionRow flag_option(Member<bool> member);
OptionRow text_option(Member<std::string> member);
OptionRow path_option(Member<std::filesystem::path> member);
OptionRow text_list_option(Member<TextList> member);
OptionRow endpoints_option(Member<TextList> member);
/// "64,64" or "64x64" or a JSON array of whole numbers, each in the range; "none" for none of them.
OptionRow int_list_option(NumberRange range, Member<std::vector<int>> member);
/// `choices` empty: any text.
OptionRow choice_option(TextList choices, std::function<std::string(const Settings&)> get,
                        std::function<void(Settings&, const std::string&)> set);

}  // namespace genkidama::cli
