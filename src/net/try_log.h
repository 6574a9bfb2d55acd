#pragma once

#include <exception>
#include <utility>

#include "genkidama/core/log.h"

namespace genkidama {

/// For where nothing may fail: a line for which there is no memory is left out.
template <typename... Arguments>
void try_log(LogLevel level, fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
  try {
    log(level, format, std::forward<Arguments>(arguments)...);
  } catch (const std::exception&) {
    // Left out.
  }
}

}  // namespace genkidama
