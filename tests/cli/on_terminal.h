#pragma once

#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

namespace genkidama::test {

/// How a program on a terminal ended.
struct TerminalResult {
  std::string text;          ///< what it wrote
  int exit_code = -1;        ///< 128 + N when signal N ended it
  bool is_as_usual = false;  ///< whether the terminal gave lines and showed what is typed afterwards
};

/// Runs a program on a terminal of this width. `on_text` is called with all that it has written so far and
/// with a descriptor that what is typed goes to.
inline TerminalResult run_on_terminal(std::vector<std::string> words, unsigned columns,
                                      const std::function<void(const std::string&, int)>& on_text = {}) {
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(columns);
  int terminal = -1;
  const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, &size);
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::setenv("TERM", "xterm", 1);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(126);
  }
  TerminalResult result;
  std::array<char, 4096> bytes{};
  // Reading fails once the program has ended.
  for (ssize_t count = 0; (count = ::read(terminal, bytes.data(), bytes.size())) > 0;) {
    result.text.append(bytes.data(), static_cast<std::size_t>(count));
    if (on_text) on_text(result.text, terminal);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  termios state{};
  if (::tcgetattr(terminal, &state) == 0)
    result.is_as_usual = (state.c_lflag & ICANON) != 0 && (state.c_lflag & ECHO) != 0;
  ::close(terminal);
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

/// What a program writes to a terminal of this width; it must end well.
inline std::string on_terminal(std::vector<std::string> words, unsigned columns) {
  const TerminalResult result = run_on_terminal(std::move(words), columns);
  CHECK(result.exit_code == 0);
  return result.text;
}

}  // namespace genkidama::test
