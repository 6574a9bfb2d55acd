#pragma once

/// @file
/// Options that have an effect only together with others.

#include <string>
#include <vector>

#include "cli/options/settings.h"

namespace genkidama::cli {

/// An option that was given and changes nothing, because of what another one says.
struct DependentOption {
  std::string option;  ///< without its dashes
  std::string why;     ///< what would have to be otherwise
};

/// Those on the command line.
std::vector<DependentOption> idle_dependent_options(const Settings& settings);

}  // namespace genkidama::cli
