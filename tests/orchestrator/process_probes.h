#pragma once

// What tests see of processes, and what they share with them.

#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "genkidama/core/log.h"
#include "genkidama/ipc/shared_array.h"

namespace genkidama::test {

/// Counts over all processes, so that an accident happens once and not again in the replacement.
class SharedCount {
 public:
  /// Counts from 1.
  std::uint32_t next() const { return count_[0].fetch_add(1) + 1; }
  std::uint32_t value() const { return count_[0].load(); }

 private:
  SharedArray<std::atomic<std::uint32_t>> count_{1, "a test"};
};

/// What the lead logs while this lives.
class LogOfLead {
 public:
  LogOfLead() {
    set_log_sink([this](LogLevel, std::string_view message) { text_ += std::string(message) + "\n"; });
  }
  ~LogOfLead() { set_log_sink({}); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// The fields of /proc/PID/stat after the name: state, parent. 'x' and 0 when there is no such process.
inline std::pair<char, pid_t> state_and_parent(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::pair<char, pid_t> result{'x', 0};
  fields >> result.first >> result.second;
  return result;
}

inline std::size_t open_descriptors() {
  using Iterator = std::filesystem::directory_iterator;
  return static_cast<std::size_t>(std::distance(Iterator("/proc/self/fd"), Iterator()));
}

}  // namespace genkidama::test
