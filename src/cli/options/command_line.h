#pragma once

/// @file
/// From argv to Settings.

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/options/resolved_program.h"
#include "cli/options/settings.h"

namespace genkidama::cli {

/// Program defaults, then the preset, then config files, then flags; everything checked. Nothing when help or
/// the version was asked for, which is then written to `out`. Throws ArgumentError, naming the flag or key,
/// its value and what is expected.
std::optional<Settings> parse_command_line(int argc, const char* const* argv, const ResolvedProgram& program,
                                           std::ostream& out);

/// "alpha" of "--alpha" and of "--alpha=0.5"; empty for a word that is no flag.
std::string option_in(const std::string& word);
/// Whether one of the words is this option's flag.
bool names_option(const std::vector<std::string>& words, const std::string& option);

}  // namespace genkidama::cli
