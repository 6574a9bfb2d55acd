#pragma once

/// @file
/// What the default sink of the log does, for sinks that do more.

#include <string_view>

#include "genkidama/core/export.h"
#include "genkidama/core/log.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Writes the message as one line to standard error, with one write(2).
void write_log_line(LogLevel level, std::string_view message);

}  // namespace genkidama
