#pragma once

/// @file
/// Numbers on their way into the messages of a live page.

#include <fmt/format.h>

#include <string>

#include "genkidama/core/is_finite.h"

namespace genkidama::run {

/// With six digits, which are enough for a picture; null where JSON has no number.
inline std::string number_text(double value) {
  return is_finite(value) ? fmt::format("{:.6g}", value) : std::string("null");
}

}  // namespace genkidama::run
