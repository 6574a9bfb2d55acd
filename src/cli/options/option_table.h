#pragma once

/// @file
/// The one definition of every option: flags, --help, config files and config.json all come from it.

#include <vector>

#include "cli/options/option_row.h"
#include "genkidama/cli/program.h"

namespace genkidama::cli {

/// In the order of --help. Presets and optimizer names are the program's.
std::vector<OptionRow> make_option_table(const Program& program);

}  // namespace genkidama::cli
