#include "genkidama/core/log.h"
#include "core/log_line.h"

#include <unistd.h>

#include <atomic>
#include <string>

namespace genkidama {
namespace {

std::atomic<LogLevel> minimum_level{LogLevel::kInfo};

LogSink& sink() {
  static LogSink installed;
  return installed;
}

}  // namespace

const char* log_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug: ";
    case LogLevel::kInfo:
      return "";
    case LogLevel::kWarning:
      return "warning: ";
    case LogLevel::kError:
      return "error: ";
  }
  return "";
}

void set_log_sink(LogSink new_sink) {
  sink() = std::move(new_sink);
}

void set_log_level(LogLevel level) {
  minimum_level.store(level, std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) {
  return level >= minimum_level.load(std::memory_order_relaxed);
}

void log_message(LogLevel level, std::string_view message) {
  sink() ? sink()(level, message) : write_log_line(level, message);
}

void write_log_line(LogLevel level, std::string_view message) {
  const std::string line = fmt::format("genkidama: {}{}\n", log_prefix(level), message);
  // A log line that cannot be written has nowhere to be reported.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace genkidama
