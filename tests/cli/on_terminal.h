#pragma once

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/catch.h"

namespace genkidama::test {

/// What a program writes to a terminal of this width; it must end well.
inline std::string on_terminal(std::vector<std::string> words, unsigned columns) {
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
  std::string text;
  std::array<char, 4096> bytes{};
  // Reading fails once the program has ended.
  for (ssize_t count = 0; (count = ::read(terminal, bytes.data(), bytes.size())) > 0;) {
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::close(terminal);
  CHECK(status == 0);
  return text;
}

}  // namespace genkidama::test
