#pragma once

/// @file
/// What --help says beyond the options themselves.

#include <string>

#include "cli/options/option_row.h"
#include "genkidama/cli/program.h"

namespace genkidama::cli {

/// The option's help with its default.
std::string help_text(const OptionRow& row, const Settings& defaults);

/// One line on what a subcommand does.
std::string command_help(Command command);

/// The presets, and how values are found.
std::string help_footer(const Program& program, Command command);

}  // namespace genkidama::cli
