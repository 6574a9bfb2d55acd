#pragma once

/// @file
/// Ctrl-C and SIGTERM as a question that a loop asks.

#include <csignal>

namespace genkidama::cli {

/// What a process gets when the one that started it is gone. Not SIGTERM, because it comes more than once:
/// the kernel sends it for each thread of the one that dies, and a second SIGTERM ends a process at once.
inline constexpr int kStarterIsGone = SIGUSR1;

/// From now on the first SIGINT and the first SIGTERM only leave a mark; a second one of the same kind ends
/// the process at once. kStarterIsGone counts as a first SIGTERM, however often it comes.
void catch_stop_signals();

/// The signal that asked this process to end, or 0.
int stop_signal();

/// Whether it came so long ago (0.6 s) that a round or an evaluation which still lasts must be given up, if
/// the process is to end within two seconds.
bool stop_overdue();

/// Writes that cannot be made are errors for the caller, not the end of the process.
void ignore_write_signals();

}  // namespace genkidama::cli
