#pragma once

/// @file
/// Ctrl-C, SIGTERM and a closed terminal as questions that a run asks.

#include <csignal>
#include <string>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// The signal that a process of a LoopbackCluster or a Sweep gets when the one that has started it is gone.
/// It is not SIGTERM, because it may come more than once: the kernel sends it for each thread of the process
/// that dies, and a second SIGTERM ends a process at once.
inline constexpr int kStarterIsGone = SIGUSR1;

/// From the first call on, the first SIGINT, SIGTERM or SIGHUP only leaves a mark, and a second one of the
/// same kind ends the process at once. A SIGHUP that was ignored when the program started (nohup) stays
/// ignored. kStarterIsGone counts as a first SIGTERM, however often it comes. Further calls do nothing. A
/// function that a LoopbackCluster or a Sweep runs in a process of its own need not call it.
///
/// Each signal has a handler of its own even where the default action would do, because the kernel takes no
/// default action for process 1 of a container.
void catch_stop_signals();

/// The signal that has asked this process to end; 0 when none has, and without catch_stop_signals().
int stop_signal();

/// "signal" when stop_signal() is not 0, otherwise empty. It fits RunOptions::end_reason.
std::string end_reason();

/// Whether that signal came so long ago (0.3 s) that a round which still lasts must be cut. It fits
/// OrchestratorOptions::cut_round.
bool round_overdue();

/// Whether that signal came so long ago (1 s) that a round or an evaluation which still lasts must be given
/// up, if the process is to end within two seconds. It fits OrchestratorOptions::give_up.
bool stop_overdue();

}  // namespace run
}  // namespace genkidama
