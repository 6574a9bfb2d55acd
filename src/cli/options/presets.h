#pragma once

/// @file
/// The presets a program offers.

#include <map>
#include <string>

#include "genkidama/cli/program.h"

namespace genkidama::cli {

/// The program's own, and "thesis" and "tuned" unless the program replaces them; none without a network.
std::map<std::string, Preset> presets_of(const Program& program);

}  // namespace genkidama::cli
