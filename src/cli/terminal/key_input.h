#pragma once

/// @file
/// Keys that are pressed in a terminal, one by one and without an echo.

#include <termios.h>

#include <optional>
#include <string>

#include "genkidama/core/clock.h"

namespace genkidama::cli {

enum class Key { kLeft, kRight, kUp, kDown, kSpace, kDigit, kQuit };

struct KeyPress {
  Key key = Key::kSpace;
  int digit = 0;  ///< of Key::kDigit, 0 to 9
};

/// Whether standard input is a terminal.
bool is_key_terminal();

/// The terminal of standard input gives each key at once, and shows none of them. Ctrl-C remains a signal.
/// The terminal is given back by the destructor, and when a second signal ends the process at once. There is
/// at most one object.
class KeyTerminal {
 public:
  /// Throws IoError when the terminal cannot be set.
  KeyTerminal();
  ~KeyTerminal();
  KeyTerminal(const KeyTerminal&) = delete;
  KeyTerminal& operator=(const KeyTerminal&) = delete;
};

/// Reads keys from standard input.
class KeyReader {
 public:
  /// The next key that means something; waits no longer than `patience`. "q", Escape and the end of the input
  /// are Key::kQuit.
  std::optional<KeyPress> next(Milliseconds patience);

 private:
  bool fill(Milliseconds patience);
  std::optional<KeyPress> take();

  std::string bytes_;  ///< not yet understood
  bool is_over_ = false;
};

}  // namespace genkidama::cli
