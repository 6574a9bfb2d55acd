#pragma once

/// @file
/// Ctrl-C and SIGTERM as a question that a loop asks.

namespace genkidama::cli {

/// From now on the first SIGINT and the first SIGTERM only leave a mark; a second one of the same kind ends
/// the process at once.
void catch_stop_signals();

/// The signal that asked this process to end, or 0.
int stop_signal();

/// Whether it came so long ago (0.6 s) that a round or an evaluation which still lasts must be given up, if
/// the process is to end within two seconds.
bool stop_overdue();

/// Writes that cannot be made are errors for the caller, not the end of the process.
void ignore_write_signals();

}  // namespace genkidama::cli
