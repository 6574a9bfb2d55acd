#pragma once

/// @file
/// Another process of this same program.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"

namespace genkidama::cli {

/// A process that fork and exec of the running executable have started, so that it inherits nothing of this
/// process' state. It gets kStarterIsGone when this process dies, however that happens. The destructor kills
/// it if it still runs.
class SpawnedProcess {
 public:
  struct Options {
    std::string name;                    ///< for messages
    std::vector<std::string> arguments;  ///< without the program's name
    std::filesystem::path
        output;             ///< its output is appended to this file; empty: it shares this process' outputs
    int inherited_fd = -1;  ///< a descriptor that stays open in it; -1: none
  };

  /// Throws IoError when it cannot be started, for instance because /proc is not mounted.
  explicit SpawnedProcess(Options options);
  ~SpawnedProcess();
  SpawnedProcess(const SpawnedProcess&) = delete;
  SpawnedProcess& operator=(const SpawnedProcess&) = delete;

  const std::string& name() const { return options_.name; }
  const std::filesystem::path& output() const { return options_.output; }

  /// Looks whether it still runs; never waits.
  bool running();
  /// Its exit code, or 128 + N when signal N ended it. Valid once running() has returned false.
  int exit_code() const { return exit_code_; }
  void signal(int number);
  /// Whether signal() has sent it SIGTERM.
  bool was_asked_to_end() const { return asked_to_end_; }

 private:
  Options options_;
  pid_t pid_ = -1;
  bool running_ = false;
  bool asked_to_end_ = false;
  int exit_code_ = 0;
};

/// How long a loop rests before it asks again.
inline constexpr Milliseconds kLookInterval{50};
void pause_before_look();

/// "exit code 1", "signal 9 (Killed)".
std::string exit_text(int exit_code);

}  // namespace genkidama::cli
