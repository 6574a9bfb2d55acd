#pragma once

/// @file
/// What --help says beyond the options themselves.

#include <cstddef>
#include <string>

#include "cli/options/option_row.h"
#include "genkidama/cli/program.h"

namespace genkidama::cli {

/// How wide the lines of --help are, and where the texts beside the options begin.
struct HelpLayout {
  std::size_t columns = 80;
  std::size_t column = 34;
};

/// That of the terminal, or 80 columns when standard output is none.
HelpLayout help_layout();

/// The text with its lines broken at spaces so that none has more than `columns` characters, unless a word
/// has; what follows a break begins with `indent` spaces.
std::string wrapped(const std::string& text, std::size_t columns, std::size_t indent = 0);

/// The option's help with its default, in lines that fit beside the option.
std::string help_text(const OptionRow& row, const Settings& defaults, const HelpLayout& layout);

/// One line on what a subcommand does.
std::string command_help(Command command);

/// The presets, and how values are found.
std::string help_footer(const Program& program, Command command, const HelpLayout& layout);

}  // namespace genkidama::cli
