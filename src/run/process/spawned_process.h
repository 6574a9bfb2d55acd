#pragma once

/// @file
/// Other processes of this same program.

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// A process that this one has started. It gets kStarterIsGone when the thread that has started it dies,
/// however that happens. The destructor kills it if it still runs.
class SpawnedProcess {
 public:
  struct Options {
    std::string name;  ///< for messages
    /// What it runs: with arguments, the executable of this process again, which then inherits nothing of
    /// this process' state. The name of the program is not among them.
    std::vector<std::string> arguments;
    /// Without arguments it is a fork that runs this function and ends with its result; with 2 for an
    /// ArgumentError and 1 for anything else that is thrown, after logging it. stop_signal() tells the
    /// function when it is to end. It needs a process without other threads.
    std::function<int()> body;
    /// Its output is appended to this file; empty: it shares this process' outputs.
    std::filesystem::path output;
    int inherited_fd = -1;  ///< a descriptor that stays open in the executed program; -1: none
  };

  /// Throws IoError when it cannot be started, for instance because /proc is not mounted.
  explicit SpawnedProcess(Options options);
  ~SpawnedProcess();
  SpawnedProcess(const SpawnedProcess&) = delete;
  SpawnedProcess& operator=(const SpawnedProcess&) = delete;

  pid_t pid() const { return pid_; }
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
  void execute(int output);
  void fork_body(int output);

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

}  // namespace run
}  // namespace genkidama
