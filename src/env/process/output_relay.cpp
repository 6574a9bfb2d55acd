#include "env/process/output_relay.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "genkidama/core/utf8.h"

namespace genkidama {
namespace {

// A line that shows the progress of a run may stand there.
constexpr const char* kEraseLine = "\r\x1b[K";

std::string harmless(std::string_view text) {
  std::string result = to_utf8(text);
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = c == '\t' ? ' ' : '?';
  }
  // U+0080 to U+009F steer terminals too.
  for (std::size_t i = 0; i + 1 < result.size(); ++i) {
    if (result[i] == '\xc2' && static_cast<unsigned char>(result[i + 1]) < 0xa0)
      result[i] = result[i + 1] = '?';
  }
  return result;
}

}  // namespace

void OutputRelay::take(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      end_line();
    } else if (line_.size() < kLongestLine) {
      line_ += c;
    }
  }
}

void OutputRelay::finish() {
  end_line();
  if (left_out_ > 0) write(fmt::format("({} more lines)", left_out_));
  left_out_ = 0;
}

void OutputRelay::end_line() {
  while (!line_.empty() && line_.back() == '\r') line_.pop_back();
  if (!line_.empty()) {
    last_line_ = harmless(line_);
    if (limit_.allow(Clock::now())) {
      if (left_out_ > 0) write(fmt::format("({} lines were left out)", left_out_));
      left_out_ = 0;
      write(last_line_);
    } else {
      ++left_out_;
    }
  }
  line_.clear();
}

void OutputRelay::write(const std::string& text) {
  pollfd room{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) {
    ++left_out_;
    return;
  }
  const std::string line =
      fmt::format("{}genkidama: {}: {}\n", ::isatty(STDERR_FILENO) == 1 ? kEraseLine : "", name_, text);
  // Like a line of the log, it has nowhere to be reported.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace genkidama
