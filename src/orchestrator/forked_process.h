#pragma once

// Rules that every process forked by this library keeps, and how its end is told.

#include <sys/types.h>

#include <string>

namespace genkidama {

/// For a process just forked: leaves the terminal's and the service manager's signals to the lead, which ends
/// this process in order, and has the kernel end it when the process `parent` ends, however that comes. Call
/// it in the only thread of the new process.
///
/// The kernel tells of the end of a parent's thread, the one that forked. When that was the parent's main
/// thread, this process is killed: the main thread ends with the program. When it was another thread
/// (std::async, a thread pool), this process is told by SIGUSR1, looks whether its parent is still there, and
/// goes on if so.
void end_with_parent(pid_t parent, bool forked_by_main_thread);

/// Whether the calling thread is the main thread of its process.
bool is_main_thread();

/// How a process ended.
struct Ending {
  std::string text;      ///< "was killed by signal 11 (Segmentation fault)"
  bool crashed = false;  ///< by a fault of the code that it ran, not by a signal from outside
};

/// From what waitpid() says.
Ending ending_of(int status);

}  // namespace genkidama
