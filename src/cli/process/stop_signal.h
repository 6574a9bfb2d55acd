#pragma once

/// @file
/// Ctrl-C, SIGTERM and a closed terminal as a question that a loop asks.

#include <csignal>

namespace genkidama::cli {

/// The signal that a process gets when the one that started it is gone. It is not SIGTERM, because it may
/// come more than once: the kernel sends it for each thread of the process that dies, and a second SIGTERM
/// ends a process at once.
inline constexpr int kStarterIsGone = SIGUSR1;

/// From the first call on, the first SIGINT, SIGTERM or SIGHUP only leaves a mark, and a second one of the
/// same kind ends the process at once. A SIGHUP that was ignored when the program started (nohup) stays
/// ignored. kStarterIsGone counts as a first SIGTERM, however often it comes. Further calls do nothing.
///
/// Each signal has a handler of its own even where the default action would do, because the kernel takes no
/// default action for process 1 of a container.
void catch_stop_signals();

/// The signal that asked this process to end, or 0.
int stop_signal();

/// Whether that signal came so long ago (0.3 s) that a round which still lasts must be cut.
bool round_overdue();

/// Whether that signal came so long ago (1 s) that a round or an evaluation which still lasts must be given
/// up, if the process is to end within two seconds.
bool stop_overdue();

/// From now on a write to a closed pipe or to a file that is too large is an error for the caller and does
/// not end the process.
void ignore_write_signals();

}  // namespace genkidama::cli
