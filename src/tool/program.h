#pragma once

// The program that plays a task which is named.

#include "genkidama/cli/program.h"
#include "tool/task.h"

namespace genkidama::tool {

/// The option that names the task. It is one like every other, so that config.json, files with a policy, the
/// members of a cluster and the runs of a sweep know the task.
inline constexpr const char* kTaskOption = "task";

/// Its options are the task and process_options().
cli::Program make_program(PythonPlace python);

}  // namespace genkidama::tool
