#pragma once

#include <mutex>
#include <sstream>
#include <string>
#include <string_view>

#include "genkidama/core/log.h"

namespace genkidama::test {

/// All that is logged while it lives.
class LogRecord {
 public:
  LogRecord() {
    set_log_level(LogLevel::kDebug);
    set_log_sink([this](LogLevel, std::string_view message) {
      const std::lock_guard lock(mutex_);
      text_ += std::string(message) + "\n";
    });
  }
  ~LogRecord() {
    set_log_sink({});
    set_log_level(LogLevel::kError);
  }
  LogRecord(const LogRecord&) = delete;
  LogRecord& operator=(const LogRecord&) = delete;

  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  /// Whether a line has both.
  bool holds(const std::string& one, const std::string& other) const {
    std::istringstream lines(text());
    for (std::string line; std::getline(lines, line);) {
      if (line.find(one) != std::string::npos && line.find(other) != std::string::npos) return true;
    }
    return false;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace genkidama::test
