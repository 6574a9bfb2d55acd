#include "cli/terminal/live_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "cli/terminal/output.h"
#include "core/log_line.h"
#include "genkidama/core/log.h"

namespace genkidama::cli {
namespace {

constexpr Milliseconds kLiveInterval{200};
constexpr const char* kEraseLine = "\r\x1b[K";

bool is_live_terminal() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::strcmp(terminal, "dumb") != 0;
}

// What fits without wrapping: a line that wraps would be erased in part only.
std::size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 2;
  return known ? size.ws_col - 1U : std::numeric_limits<std::size_t>::max();
}

}  // namespace

LiveLine::LiveLine(Milliseconds plain_interval)
    : live_(is_live_terminal()), plain_interval_(plain_interval) {}

LiveLine::~LiveLine() {
  if (open_) print_error("\n");
}

bool LiveLine::due() const {
  return Clock::now() - shown_ >= (live_ ? kLiveInterval : plain_interval_);
}

void LiveLine::show_parts(std::vector<LinePart> parts) {
  const std::size_t columns = live_ ? terminal_columns() : std::numeric_limits<std::size_t>::max();
  const std::string text = fitted_line(std::move(parts), columns);
  print_error(live_ ? kEraseLine + text : text + '\n');
  open_ = live_;
  shown_ = Clock::now();
}

void LiveLine::erase() {
  if (open_) print_error(kEraseLine);
  open_ = false;
}

void log_above_live_line(LogSink also) {
  const bool is_live = is_live_terminal();
  if (!is_live && !also) return;
  set_log_sink([is_live, also = std::move(also)](LogLevel level, std::string_view message) {
    if (also) also(level, message);
    if (is_live) {
      print_error(fmt::format("{}{}{}\n", kEraseLine, log_prefix(level), message));
    } else {
      write_log_line(level, message);
    }
  });
}

}  // namespace genkidama::cli
