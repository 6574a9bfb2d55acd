#pragma once

// A process is forked before it has threads: a lock that another thread holds at that moment stays locked in
// the forked process for ever.

#include <string>

#include "genkidama/core/clock.h"

namespace genkidama {

/// Logs a warning that names the rule when this process has more than one thread.
void warn_if_threads_are_running();

/// The text of an error: `what` ("worker 1 of 2 made no environment") did not happen within `limit`, and the
/// likely cause, given how many threads the process had when it forked.
std::string late_construction(const std::string& what, Clock::duration limit, int threads_at_fork);

}  // namespace genkidama
