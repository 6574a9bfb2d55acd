#pragma once

/// @file
/// One machine's part of a run that a group of machines makes together.

#include "cli/commands/job.h"
#include "genkidama/params/machine_group.h"

namespace genkidama::cli {

/// What the machine trains with: a seed of its own, its share of the steps, and the schedules' end there.
Settings settings_in_group(const Settings& settings, const MachineGroup& group);

/// What its run leaves behind. Machine 0 evaluates and has the run's directory; the others keep their state
/// and metrics in "machine-1" and so on within it.
run::RunOptions options_in_group(run::RunOptions options, const MachineGroup& group);

}  // namespace genkidama::cli
