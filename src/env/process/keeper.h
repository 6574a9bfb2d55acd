#pragma once

// The keeper's own process: see kept_process.h.

#include <sys/types.h>

#include <string>

#include "genkidama/core/clock.h"

namespace genkidama {

/// What a keeper works on.
struct KeeperTask {
  std::string name;            ///< stands before each line of output
  int control = -1;            ///< to the owner: its end, or a byte, says that the program shall end
  int output = -1;             ///< read end of the program's standard output and standard error
  Milliseconds end_timeout{};  ///< between the owner's end and the kill
};

/// How the program ended; sent to the owner, in front of the last line of its output.
struct KeeperReport {
  int status = 0;            ///< as waitpid() gives it
  bool ended_alone = false;  ///< nobody had killed it
};

/// Asks a keeper to kill the program at once.
inline constexpr char kKillNow = 'k';

/// Keeps the program `pid`, which this process has forked, until it has ended with all of its descendants.
/// Blocks SIGCHLD before the fork. Never returns.
[[noreturn]] void keep(const KeeperTask& task, pid_t pid) noexcept;

/// What is to be done before the program is forked.
void prepare_to_keep() noexcept;

}  // namespace genkidama
