#pragma once

/// @file
/// One sink for the library's messages. The default sink writes each message as one line to standard error
/// with one write(2): lines of several processes do not mix, and a process that is killed leaves no lock
/// held. A line that cannot be written is lost without an error.

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <utility>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How much a message matters, from the least to the most.
enum class LogLevel {
  kDebug,    ///< helps to find an error; off by default
  kInfo,     ///< tells what happens
  kWarning,  ///< the program goes on, but somebody should look
  kError     ///< something failed
};

/// The text that a line of this level begins with: "warning: " for kWarning, nothing for kInfo.
const char* log_prefix(LogLevel level);

/// Receives a finished message. The text lives only during the call.
using LogSink = std::function<void(LogLevel, std::string_view message)>;

/// Replaces the sink; an empty function restores the default. Not synchronised: call it before threads start.
void set_log_sink(LogSink sink);

/// Drops messages below `level` from now on. The default is kInfo. Thread-safe.
void set_log_level(LogLevel level);

/// Whether a message of this level would be written. Thread-safe.
bool log_enabled(LogLevel level);

/// Hands a finished message to the sink. Thread-safe if the sink is.
void log_message(LogLevel level, std::string_view message);

/// Formats a message and logs it. Costs one comparison when the level is dropped.
template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_message(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace genkidama
