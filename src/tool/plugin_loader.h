#pragma once

// Environments in shared objects.

#include <string>

#include "genkidama/env/environment.h"

namespace genkidama::tool {

/// The factory of the environment that the shared object exports (genkidama/env/plugin.h). It stays loaded as
/// long as the process lives. Throws ArgumentError that names the file when it cannot be loaded, exports no
/// environment, or was compiled with another version. What the factory throws while it describes the
/// environment becomes an ArgumentError that names the file.
EnvironmentFactory load_plugin(const std::string& path);

}  // namespace genkidama::tool
