#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>

#include "core/rate_limit.h"
#include "genkidama/core/log.h"

namespace genkidama {

/// Warnings that a stranger can cause, so few that they cannot fill a disk: twenty at once, then one in five
/// seconds, which says how many were left out.
class QuietLog {
 public:
  void warn(const std::string& text) {
    if (!limit_.allow(Clock::now())) {
      ++left_out_;
      return;
    }
    const std::uint64_t left_out = std::exchange(left_out_, 0);
    log(LogLevel::kWarning, "{}{}", text,
        left_out == 0 ? std::string() : fmt::format(" (and {} warnings like it before)", left_out));
  }

 private:
  RateLimit limit_{0.2, 20};
  std::uint64_t left_out_ = 0;
};

}  // namespace genkidama
