#pragma once

/// @file
/// The grammar of --setting, --grid and --seeds.

#include <string>
#include <vector>

#include "genkidama/run/sweep.h"

namespace genkidama::cli {

using run::setting_name;
using run::SweepDefinition;
using run::SweepPoint;
using run::SweepValue;

/// From the values of --setting, --grid and --seeds: every setting with every combination of the grids'
/// values, the last grid changing fastest. Throws ArgumentError for what cannot be read, an option that is
/// varied twice or that a sweep sets itself, a value that cannot be part of a directory's name, and settings
/// or seeds that occur twice.
SweepDefinition parse_sweep_definition(const std::vector<std::string>& settings,
                                       const std::vector<std::string>& grids, const std::string& seeds);

}  // namespace genkidama::cli
