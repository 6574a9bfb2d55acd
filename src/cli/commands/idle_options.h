#pragma once

/// @file
/// Options that were given and change nothing.

#include <string>
#include <string_view>

#include "cli/options/settings.h"
#include "genkidama/env/environment.h"
#include "genkidama/run/preset.h"

namespace genkidama::cli {

/// Warns that a flag, such as "--greedy", has no effect, and says why.
void warn_of_idle(std::string_view flag, const std::string& why);

/// Warns of options that were changed and have no effect in this run. `preset` is the settings' own.
void warn_of_idle_options(const Settings& settings, const run::Preset& preset,
                          const EnvironmentSpec& environment);

}  // namespace genkidama::cli
