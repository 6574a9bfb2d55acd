#pragma once

// A process is forked before it has threads: a lock that another thread holds at that moment stays locked in
// the forked process for ever.

#include <string>

#include "genkidama/core/clock.h"

namespace genkidama {

/// While it lives, this thread knows that no other thread holds a lock that a forked process needs, as one
/// that holds the lock of an interpreter does.
class NoLockIsHeld {
 public:
  NoLockIsHeld();
  ~NoLockIsHeld();
  NoLockIsHeld(const NoLockIsHeld&) = delete;
  NoLockIsHeld& operator=(const NoLockIsHeld&) = delete;
};

/// Logs a warning that names the rule when this process has more than one thread, unless this thread has a
/// NoLockIsHeld.
void warn_if_threads_are_running();

/// The text of an error: `what` ("worker 1 of 2 made no environment") did not happen within `limit`, and the
/// likely cause, given how many threads the process had when it forked.
std::string late_construction(const std::string& what, Clock::duration limit, int threads_at_fork);

}  // namespace genkidama
