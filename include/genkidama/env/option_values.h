#pragma once

/// @file
/// The values of a program's own options, as the environment factory is told them.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The value of a switch, of a whole number, of a number, or of a text or a choice.
using OptionValue = std::variant<bool, std::int64_t, double, std::string>;

/// Values by the names of their options. The functions that read one throw ArgumentError when there is no
/// option of that name, or when its value is of another kind.
class OptionValues {
 public:
  /// Sets an option's value, or replaces the one that it has.
  void set(const std::string& name, OptionValue value);
  /// Whether there is an option of that name.
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }

  /// Returns the value of a number. A whole number is none: see whole().
  double number(std::string_view name) const;
  /// Returns the value of a whole number.
  std::int64_t whole(std::string_view name) const;
  /// Returns the value of a text or of a choice.
  const std::string& text(std::string_view name) const;
  /// Returns whether a switch is on.
  bool is_on(std::string_view name) const;

  /// All values by name.
  const std::map<std::string, OptionValue, std::less<>>& all() const { return values_; }
  friend bool operator==(const OptionValues&, const OptionValues&) = default;  ///< the same values

 private:
  std::map<std::string, OptionValue, std::less<>> values_;
};

}  // namespace genkidama
