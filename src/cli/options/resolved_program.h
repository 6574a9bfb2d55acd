#pragma once

/// @file
/// A program together with everything that its command line is made of.

#include <vector>

#include "cli/options/option_row.h"
#include "genkidama/cli/program.h"

namespace genkidama::cli {

/// Made once, at the start of a process, and handed on.
struct ResolvedProgram : Program {
  /// Completes `presets`: "thesis" and "tuned" are among them, and each preset has a network. Throws
  /// ArgumentError when there is no environment, or when the default preset is none of the presets.
  explicit ResolvedProgram(Program program);

  std::vector<OptionRow> options;  ///< of all subcommands
};

}  // namespace genkidama::cli
