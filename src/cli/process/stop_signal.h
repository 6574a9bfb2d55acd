#pragma once

/// @file
/// The signals that end this process, as the commands ask for them.

#include "genkidama/run/stop_signal.h"

namespace genkidama::cli {

using run::catch_stop_signals;
using run::kStarterIsGone;
using run::round_overdue;
using run::stop_overdue;
using run::stop_signal;

}  // namespace genkidama::cli
