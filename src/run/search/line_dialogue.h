#pragma once

/// @file
/// Lines to and from another program, without ever waiting for it.

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// Two descriptors, such as standard input and output. The descriptors stay the caller's.
class LineDialogue {
 public:
  static constexpr std::size_t kLongestLine = 64 * 1024;
  /// What the other side has not read yet; beyond it, it counts as gone.
  static constexpr std::size_t kMostUnread = 1024 * 1024;

  LineDialogue(int input, int output) : input_(input), output_(output) {}

  struct Line {
    std::string text;       ///< without its end
    bool too_long = false;  ///< it was longer than kLongestLine, and `text` is only how it begins
  };

  /// A line that has come, if one has. A last line without an end is one too.
  std::optional<Line> receive();
  /// Takes the line, which gets its end here, and writes what the other side has room for.
  void send(const std::string& text);
  /// Writes what is left, for up to `patience`.
  void finish(Milliseconds patience);

  /// Nothing more will come, or what is sent goes nowhere. Lines that have come are received all the same.
  bool closed() const { return input_closed_ || output_closed_; }

 private:
  void read_some();
  void take(std::string_view bytes);
  void write_some(Milliseconds patience);

  int input_;
  int output_;
  bool input_closed_ = false;
  bool output_closed_ = false;
  std::deque<Line> lines_;
  Line part_;
  std::string unsent_;
};

}  // namespace run
}  // namespace genkidama
