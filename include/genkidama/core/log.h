#pragma once

/// @file
/// One sink for the library's messages. The default writes one line to standard error with one write(2), so
/// lines of several processes do not mix and no lock can be left held by a killed process.

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <utility>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How much a message matters, least first.
enum class LogLevel {
  kDebug,    ///< for who looks for an error; off by default
  kInfo,     ///< what happens
  kWarning,  ///< it goes on, but somebody should look
  kError     ///< it does not go on
};

/// What a line of this level begins with: "warning: ", and nothing for kInfo.
const char* log_prefix(LogLevel level);

/// What is done with a finished message, which lives only during the call.
using LogSink = std::function<void(LogLevel, std::string_view message)>;

/// Replaces the sink; an empty one restores the default. Call before starting threads: not synchronised.
void set_log_sink(LogSink sink);

/// Messages below `level` are dropped. Default: kInfo. Thread-safe.
void set_log_level(LogLevel level);

/// Whether a message of this level would be written. Thread-safe.
bool log_enabled(LogLevel level);

/// Hands a finished message to the sink. Thread-safe when the sink is.
void log_message(LogLevel level, std::string_view message);

/// Formats and logs; costs one comparison when the level is off.
template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_message(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace genkidama
