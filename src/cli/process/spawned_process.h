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

/// Started by fork and exec of the running executable, so nothing of this process' state is inherited. It
/// gets kStarterIsGone when this process dies, however that happens; killed by the destructor if it still
/// runs.
class SpawnedProcess {
 public:
  struct Options {
    std::string name;                    ///< for messages
    std::vector<std::string> arguments;  ///< without the program's name
    std::filesystem::path output;        ///< where its output goes, appended; empty: where this process' goes
    int inherited_fd = -1;               ///< stays open in it
  };

  /// Throws IoError when it cannot be started.
  explicit SpawnedProcess(Options options);
  ~SpawnedProcess();
  SpawnedProcess(const SpawnedProcess&) = delete;
  SpawnedProcess& operator=(const SpawnedProcess&) = delete;

  const std::string& name() const { return options_.name; }
  const std::filesystem::path& output() const { return options_.output; }

  /// Looks whether it has ended; never waits.
  bool running();
  /// Its exit code, or 128 + N when signal N ended it. Only once running() is false.
  int exit_code() const { return exit_code_; }
  void signal(int number);
  /// Whether it was sent SIGTERM.
  bool was_asked_to_end() const { return asked_to_end_; }

 private:
  Options options_;
  pid_t pid_ = -1;
  bool running_ = false;
  bool asked_to_end_ = false;
  int exit_code_ = 0;
};

/// How long a loop rests before it asks running() again.
inline constexpr Milliseconds kLookInterval{50};
void pause_before_look();

/// "exit code 1", "signal 9 (Killed)".
std::string exit_text(int exit_code);

}  // namespace genkidama::cli
