#pragma once

/// @file
/// From argv to Settings.

#include <optional>
#include <ostream>

#include "cli/settings.h"
#include "genkidama/cli/program.h"

namespace genkidama::cli {

/// Program defaults, then the preset, then config files, then flags; everything checked. Nothing when help or
/// the version was asked for, which is then written to `out`. Throws ArgumentError, naming the flag or key,
/// its value and what is expected.
std::optional<Settings> parse_command_line(int argc, const char* const* argv, const Program& program,
                                           std::ostream& out);

}  // namespace genkidama::cli
