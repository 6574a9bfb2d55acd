#pragma once

/// @file
/// The environments of this library by name.

#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// One environment of this library.
struct BundledTask {
  std::string name;                  ///< in lower case with hyphens, e.g. "mountain-car-continuous"
  std::vector<std::string> aliases;  ///< other names, such as Gymnasium's "MountainCarContinuous-v0"
  std::string summary;               ///< what has to be done, in less than a line, for people
  EnvironmentFactory make;           ///< makes the environment with its defaults
};

/// Every environment of this library, in the order of the names. The table is made once and lives as long as
/// the process.
std::span<const BundledTask> bundled_tasks();

/// The environment of that name or alias. Upper and lower case are the same, and so are `-` and `_`. Throws
/// an ArgumentError that lists the names, and the nearest one, for any other name.
const BundledTask& bundled_task(const std::string& name);

}  // namespace genkidama
