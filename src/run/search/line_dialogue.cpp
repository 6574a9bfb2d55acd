#include "run/search/line_dialogue.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

namespace genkidama::run {
namespace {

// More are read when these are taken.
constexpr std::size_t kMostLines = 100;

bool ready(int descriptor, short what, Milliseconds patience) {
  pollfd entry{descriptor, what, 0};
  return ::poll(&entry, 1, static_cast<int>(patience.count())) > 0 && entry.revents != 0;
}

}  // namespace

std::optional<LineDialogue::Line> LineDialogue::receive() {
  write_some(Milliseconds::zero());
  if (lines_.empty()) read_some();
  if (lines_.empty()) return {};
  Line line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

void LineDialogue::read_some() {
  std::array<char, 4096> bytes;
  while (!input_closed_ && lines_.size() < kMostLines && ready(input_, POLLIN, Milliseconds::zero())) {
    const ssize_t count = ::read(input_, bytes.data(), bytes.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count > 0) {
      take({bytes.data(), static_cast<std::size_t>(count)});
      continue;
    }
    input_closed_ = true;
    if (!part_.text.empty()) lines_.push_back(std::exchange(part_, {}));
  }
}

void LineDialogue::take(std::string_view bytes) {
  for (const char byte : bytes) {
    if (byte == '\n') {
      lines_.push_back(std::exchange(part_, {}));
    } else if (part_.text.size() < kLongestLine) {
      part_.text += byte;
    } else {
      part_.too_long = true;
    }
  }
}

void LineDialogue::send(const std::string& text) {
  if (output_closed_) return;
  unsent_ += text + "\n";
  write_some(Milliseconds::zero());
  if (unsent_.size() > kMostUnread) output_closed_ = true;
}

void LineDialogue::write_some(Milliseconds patience) {
  // A pipe that is ready takes so much without waiting.
  while (!output_closed_ && !unsent_.empty() && ready(output_, POLLOUT, patience)) {
    const ssize_t count = ::write(output_, unsent_.data(), std::min<std::size_t>(unsent_.size(), PIPE_BUF));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count < 0) output_closed_ = true;
    if (count > 0) unsent_.erase(0, static_cast<std::size_t>(count));
  }
}

void LineDialogue::finish(Milliseconds patience) {
  write_some(patience);
}

}  // namespace genkidama::run
