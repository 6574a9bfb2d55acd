#pragma once

/// @file
/// Whether a run directory holds the run that a sweep would make there.

#include "cli/sweep/sweep_plan.h"

namespace genkidama::cli {

/// Throws ArgumentError when the run in the directory was made with other options than the sweep's, naming
/// the first that differs. How runs are evaluated does not matter unless it decides when they end,
/// and with `halving` nor does it how long they are.
void check_agrees(const SweepRun& run, const ResolvedProgram& program, bool halving);

}  // namespace genkidama::cli
