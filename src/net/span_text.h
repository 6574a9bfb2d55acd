#pragma once

#include <fmt/format.h>

#include <string>

#include "genkidama/core/clock.h"

namespace genkidama {

/// "2 s", "0.5 s": how long something took or may take, for people, whoever has set it in whatever unit.
inline std::string span_text(Milliseconds span) {
  return fmt::format("{} s", static_cast<double>(span.count()) / 1000);
}

}  // namespace genkidama
