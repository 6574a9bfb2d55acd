#include "cli/terminal/key_input.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "genkidama/core/error.h"
#include "run/process/abrupt_end.h"

namespace genkidama::cli {
namespace {

// For a signal handler, which may call tcsetattr().
termios g_before{};
std::atomic<bool> g_is_set{false};

void give_back() {
  if (g_is_set.exchange(false)) tcsetattr(STDIN_FILENO, TCSANOW, &g_before);
}

constexpr char kEscape = '\x1b';
// The other bytes of an arrow key come at once behind its first one.
constexpr Milliseconds kSequencePatience{30};

}  // namespace

bool is_key_terminal() {
  return isatty(STDIN_FILENO) == 1;
}

KeyTerminal::KeyTerminal() {
  const auto fail = [] {
    throw IoError(
        fmt::format("the terminal cannot be set to give keys one by one: {}", std::strerror(errno)));
  };
  if (tcgetattr(STDIN_FILENO, &g_before) != 0) fail();
  termios keys = g_before;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  keys.c_cc[VMIN] = 0;
  keys.c_cc[VTIME] = 0;
  // These would end or stop the process without a word.
  keys.c_cc[VQUIT] = _POSIX_VDISABLE;
  keys.c_cc[VSUSP] = _POSIX_VDISABLE;
  g_is_set = true;
  run::at_abrupt_end(give_back);
  if (tcsetattr(STDIN_FILENO, TCSANOW, &keys) != 0) {
    give_back();
    fail();
  }
}

KeyTerminal::~KeyTerminal() {
  // What was typed behind the end is not for the shell.
  tcflush(STDIN_FILENO, TCIFLUSH);
  give_back();
  run::at_abrupt_end(nullptr);
}

std::optional<KeyPress> KeyReader::next(Milliseconds patience) {
  const auto last = Clock::now() + patience;
  while (true) {
    while (!bytes_.empty()) {
      // An escape may be the beginning of an arrow, or the key itself.
      if (bytes_.size() < 3 && bytes_[0] == kEscape && fill(kSequencePatience)) continue;
      if (const auto key = take()) return key;
    }
    if (is_over_) return KeyPress{Key::kQuit, 0};
    const auto left = std::chrono::duration_cast<Milliseconds>(last - Clock::now());
    if (!fill(std::max(left, Milliseconds{0})) && !is_over_) return {};
  }
}

/// Whether bytes have come.
bool KeyReader::fill(Milliseconds patience) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (is_over_ || poll(&input, 1, static_cast<int>(patience.count())) <= 0) return false;
  std::array<char, 64> bytes{};
  const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (count <= 0) {
    is_over_ = true;
    return false;
  }
  bytes_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

/// Takes the first key out of the bytes; nothing for one that means nothing.
std::optional<KeyPress> KeyReader::take() {
  const char first = bytes_[0];
  if (first == kEscape) {
    const bool is_sequence = bytes_.size() >= 3 && (bytes_[1] == '[' || bytes_[1] == 'O');
    if (!is_sequence) {
      const bool is_alone = bytes_.size() == 1;
      bytes_.clear();
      return is_alone ? std::optional(KeyPress{Key::kQuit, 0}) : std::nullopt;
    }
    const char last = bytes_[2];
    bytes_.erase(0, 3);
    switch (last) {
      case 'A':
        return KeyPress{Key::kUp, 0};
      case 'B':
        return KeyPress{Key::kDown, 0};
      case 'C':
        return KeyPress{Key::kRight, 0};
      case 'D':
        return KeyPress{Key::kLeft, 0};
      default:
        return {};
    }
  }
  bytes_.erase(0, 1);
  if (first >= '0' && first <= '9') return KeyPress{Key::kDigit, first - '0'};
  if (first == ' ') return KeyPress{Key::kSpace, 0};
  if (first == 'q' || first == 'Q') return KeyPress{Key::kQuit, 0};
  return {};
}

}  // namespace genkidama::cli
