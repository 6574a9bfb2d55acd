#pragma once

/// @file
/// Intervals of numbers as they are typed.

#include <optional>
#include <string>

namespace genkidama::cli {

/// "LOW..HIGH", behind which the words "log" and "int" may stand.
struct IntervalText {
  double low = 0, high = 0;
  bool logarithmic = false;  ///< "log"
  bool whole = false;        ///< "int"
};

/// Nothing when the text is none.
std::optional<IntervalText> interval_of(std::string text);

/// Without the spaces around it.
std::string trimmed(const std::string& text);

}  // namespace genkidama::cli
