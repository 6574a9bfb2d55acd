#pragma once

// A foreign program, its output, and its end.

#include <sys/types.h>

#include <string>
#include <vector>

#include "genkidama/core/clock.h"

namespace genkidama {

/// A foreign program with a keeper: a process forked from this one that starts the program, writes the
/// program's output to standard error, and ends the program and everything that it has started. The keeper
/// does so too when this process is killed, whatever other process groups or sessions the program's processes
/// have made.
class KeptProcess {
 public:
  struct Options {
    std::vector<std::string> command;    ///< program and arguments
    std::vector<std::string> variables;  ///< "NAME=value", in addition to this process' environment
    std::string name;                    ///< stands before each line of the program's output
    int socket = -1;                     ///< becomes descriptor kSocket of the program
    int memory = -1;                     ///< becomes descriptor kMemory of the program
    Milliseconds end_timeout{500};       ///< until the program is killed once end() was called
  };
  static constexpr int kSocket = 3;
  static constexpr int kMemory = 4;

  /// Throws ArgumentError when there is no such program, and IoError when no process can be made.
  KeptProcess(const Options& options, Deadline deadline);
  /// As end().
  ~KeptProcess();
  KeptProcess(const KeptProcess&) = delete;
  KeptProcess& operator=(const KeptProcess&) = delete;

  /// Kills the program. Returns how it ended, in words, "ended with exit code 1" when it had ended before,
  /// and the last line of its output. `is_ending`: it has closed its descriptors, so it is left a moment to
  /// end by itself.
  std::string kill(bool is_ending);
  /// Leaves the program the end_timeout, and then kills it. Waits for that. The program must have been told
  /// before, by closing its socket.
  void end();

 private:
  bool keeper_reports_within(Milliseconds patience) const;
  std::string wait_for_keeper(Milliseconds patience);

  pid_t keeper_ = -1;
  int control_ = -1;  ///< to the keeper
  Milliseconds end_timeout_;
};

}  // namespace genkidama
