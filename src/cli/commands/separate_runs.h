#pragma once

/// @file
/// `train` that a launcher of MPI programs starts several times, without an exchange between the processes.

#include <functional>
#include <string>

#include "genkidama/cli/program.h"

namespace genkidama::cli {

/// What to tell a user whose launcher (mpirun, srun) has started several processes, each of which makes a run
/// of its own. Empty for one process, for all but the first, and without such a launcher. `variable` gives
/// the value of a variable of the environment, or an empty text.
std::string separate_runs_warning(const Program& program,
                                  const std::function<std::string(const char*)>& variable);

/// Logs it, with the environment of this process.
void warn_of_separate_runs(const Program& program);

}  // namespace genkidama::cli
