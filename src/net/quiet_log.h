#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "core/rate_limit.h"
#include "genkidama/core/log.h"

namespace genkidama {

/// Warnings that a stranger can cause, so few that they cannot fill a disk. A warning that comes again is
/// written the tenth time, the hundredth time and so on, and says how often it came. Of different ones twenty
/// are written at once, then one in five seconds, which says how many were left out.
class QuietLog {
 public:
  void warn(const std::string& text) { warn(text, text); }
  /// `about`: what makes two warnings the same one, where the texts differ by the number of a port.
  void warn(const std::string& about, const std::string& text) {
    const std::uint64_t times = count(about);
    if (!is_power_of_ten(times)) return;
    if (!limit_.allow(Clock::now())) {
      ++left_out_;
      return;
    }
    const std::uint64_t left_out = std::exchange(left_out_, 0);
    log(LogLevel::kWarning, "{}{}{}", text,
        times == 1 ? std::string() : fmt::format(" ({} times so far)", times),
        left_out == 0 ? std::string() : fmt::format(" (and {} other warnings before)", left_out));
  }

 private:
  // A stranger can make up any number of them.
  static constexpr std::size_t kMostKnown = 64;

  static bool is_power_of_ten(std::uint64_t count) {
    while (count % 10 == 0) count /= 10;
    return count == 1;
  }

  std::uint64_t count(const std::string& about) {
    if (times_.size() == kMostKnown && times_.count(about) == 0) times_.clear();
    return ++times_[about];
  }

  RateLimit limit_{0.2, 20};
  std::uint64_t left_out_ = 0;
  std::map<std::string, std::uint64_t> times_;
};

}  // namespace genkidama
