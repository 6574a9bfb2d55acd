#pragma once

// A foreign program's output on its way to standard error.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/rate_limit.h"

namespace genkidama {

/// Cuts bytes into lines and writes each to standard error, with a name before it: at most kLinesAtOnce and
/// then kLinesPerSecond. What is left out is counted and told with the next line. Control characters and what
/// is not UTF-8 are replaced, so that no output can steer a terminal. Never waits: a line for which standard
/// error has no room is left out.
class OutputRelay {
 public:
  static constexpr double kLinesPerSecond = 5;
  static constexpr double kLinesAtOnce = 40;
  static constexpr std::size_t kLongestLine = 500;  ///< bytes; a longer one is cut

  explicit OutputRelay(std::string name) : name_(std::move(name)) {}

  /// The next bytes of the output.
  void take(std::string_view bytes);
  /// Writes what is left of a last line without an end, and how many lines were left out.
  void finish();
  /// The last line that was not empty, also when it was left out.
  const std::string& last_line() const { return last_line_; }

 private:
  void end_line();
  void write(const std::string& text);

  std::string name_;
  std::string line_;
  std::string last_line_;
  std::uint64_t left_out_ = 0;
  RateLimit limit_{kLinesPerSecond, kLinesAtOnce};
};

}  // namespace genkidama
