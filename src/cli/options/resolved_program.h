#pragma once

/// @file
/// A program together with everything that its command line is made of.

#include <vector>

#include "cli/options/option_row.h"
#include "genkidama/cli/program.h"

namespace genkidama::cli {

/// Made once, at the start of a process, and handed on.
struct ResolvedProgram : Program {
  /// Completes `presets`: "control", "dqn", "dyna-q", "original", "sac", "thesis", "thorough" and "tuned" are
  /// among them, and each preset has a network. Throws ArgumentError when there is no environment, when the
  /// default preset is none of the presets, and for an option of the program's own that cannot be
  /// (own_option_rows()).
  explicit ResolvedProgram(Program program);

  std::vector<OptionRow> table;  ///< the options of all subcommands
};

}  // namespace genkidama::cli
