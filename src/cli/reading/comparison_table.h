#pragma once

/// @file
/// A comparison of runs for people.

#include <string>

#include "run/report/comparison.h"

namespace genkidama::cli {

/// A line per group, aligned; every line ends with a line break.
std::string to_table(const run::Comparison& comparison);

}  // namespace genkidama::cli
