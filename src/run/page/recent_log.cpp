#include "genkidama/run/recent_log.h"

#include "core/unix_seconds.h"
#include "genkidama/core/utf8.h"

namespace genkidama::run {

void RecentLog::add(LogLevel level, std::string_view text) {
  Line line{0, unix_seconds(), level, to_utf8(cut_utf8(text, kMostBytes))};
  const std::lock_guard lock(mutex_);
  line.number = ++count_;
  lines_.push_back(std::move(line));
  if (lines_.size() > kMostLines) lines_.pop_front();
}

std::vector<RecentLog::Line> RecentLog::after(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  std::vector<Line> lines;
  for (const Line& each : lines_) {
    if (each.number > number) lines.push_back(each);
  }
  return lines;
}

std::uint64_t RecentLog::latest() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace genkidama::run
