#pragma once

// What an environment is, as its host and its server tell each other.

#include <optional>
#include <string>

#include "genkidama/env/environment.h"
#include "genkidama/wire/environment_frames.h"
#include "genkidama/wire/environment_hello.h"

namespace genkidama {

/// `spec` is completed().
EnvironmentDescription describe_environment(const EnvironmentSpec& spec);

/// How wide rows are.
EnvironmentSizes environment_sizes(const EnvironmentSpec& spec);

/// What the first thing is that differs, with both sides of it; nothing when all is the same.
std::optional<std::string> environment_difference(const EnvironmentDescription& own, const std::string& where,
                                                  const EnvironmentDescription& peer,
                                                  const std::string& there);

}  // namespace genkidama
