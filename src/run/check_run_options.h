#pragma once

/// @file
/// Options that no run can have, told before anything is made.

#include "genkidama/run/run_options.h"

namespace genkidama::run {

/// Throws ArgumentError that names the option, what it is and what is expected.
void check_run_options(const RunOptions& options);

}  // namespace genkidama::run
