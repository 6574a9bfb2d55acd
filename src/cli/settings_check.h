#pragma once

/// @file
/// What concerns several options at once.

#include "cli/settings.h"

namespace genkidama::cli {

/// Fills in what follows from other values (workers, names, the length of a schedule) and throws
/// ArgumentError for combinations that make no sense.
void complete_and_check(Settings& settings);

/// Cores this process may use, at least 1.
int available_cores();

}  // namespace genkidama::cli
