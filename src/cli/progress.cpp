#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "genkidama/core/log.h"

namespace genkidama::cli {
namespace {

constexpr Milliseconds kLiveInterval{200};
constexpr Milliseconds kPlainInterval{5'000};
constexpr const char* kEraseLine = "\r\x1b[K";

// One write, so that lines of several threads do not mix. Nothing can be done when standard error is gone.
void write_error(const std::string& text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

bool is_live_terminal() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::strcmp(terminal, "dumb") != 0;
}

const char* level_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::kWarning:
      return "warning: ";
    case LogLevel::kError:
      return "error: ";
    case LogLevel::kDebug:
    case LogLevel::kInfo:
      break;
  }
  return "";
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, seconds));
  if (whole >= 3600) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

void log_above_live_line() {
  if (!is_live_terminal()) return;
  set_log_sink([](LogLevel level, std::string_view message) {
    write_error(fmt::format("{}{}{}\n", kEraseLine, level_prefix(level), message));
  });
}

Progress::Progress(const ProgressState& start) : live_(is_live_terminal()), start_(start), last_(start) {}

Progress::~Progress() {
  if (line_open_) write_error("\n");
}

bool Progress::due() const {
  return Clock::now() - shown_ >= (live_ ? kLiveInterval : kPlainInterval);
}

void Progress::show(const ProgressState& state) {
  const std::string line = line_of(state);
  write_error(live_ ? kEraseLine + line : line + '\n');
  line_open_ = live_;
  last_ = state;
  shown_ = Clock::now();
}

std::string Progress::line_of(const ProgressState& state) {
  const double seconds = std::max(1e-3, seconds_since(shown_));
  const double rate = static_cast<double>(state.environment_steps - last_.environment_steps) / seconds;
  std::string line = fmt::format("update {}  steps {}  {:.0f} steps/s", state.updates,
                                 state.environment_steps, std::max(0.0, rate));
  if (state.mean_return) line += fmt::format("  mean return {:.1f}", *state.mean_return);
  if (state.children) line += fmt::format("  children {}", *state.children);
  if (state.done) {
    line += fmt::format("  {:.0f} %", 100 * *state.done);
    const double gained = *state.done - start_.done.value_or(0);
    if (gained > 0)
      line += fmt::format("  {} left", duration_text(seconds_since(started_) * (1 - *state.done) / gained));
  }
  return line;
}

}  // namespace genkidama::cli
