#pragma once

/// @file
/// The last lines of a log, for who looks at a run from elsewhere.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/core/log.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// Keeps the last lines that it is given, each cut at kMostBytes. Give it messages in a LogSink of yours:
///
///     auto log = std::make_shared<run::RecentLog>();
///     set_log_sink([log](LogLevel level, std::string_view text) { log->add(level, text); show(text); });
///
/// All functions may be called from any thread. What forked workers log stays in their processes.
class RecentLog {
 public:
  static constexpr std::size_t kMostLines = 200;  ///< older ones are forgotten
  static constexpr std::size_t kMostBytes = 500;  ///< of a line

  /// A message.
  struct Line {
    std::uint64_t number = 0;  ///< from 1, in the order of the messages
    double seconds = 0;        ///< when, since 1970
    LogLevel level{};          ///< as it was logged
    std::string text;          ///< UTF-8, the first kMostBytes of it
  };

  /// Keeps one more.
  void add(LogLevel level, std::string_view text);
  /// Those after the line of this number that are still kept; 0: all.
  std::vector<Line> after(std::uint64_t number) const;
  /// The number of the latest line; 0 before the first.
  std::uint64_t latest() const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::deque<Line> lines_;
};

}  // namespace run
}  // namespace genkidama
