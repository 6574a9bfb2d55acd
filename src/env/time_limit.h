#pragma once

// What stands for no time limit.

#include <limits>
#include <string>

#include "genkidama/env/environment.h"

namespace genkidama {

/// EnvironmentSpec::time_limit of an environment whose episodes have no limit.
inline constexpr int kNoTimeLimit = std::numeric_limits<int>::max();

/// "500", or "none".
inline std::string time_limit_text(const EnvironmentSpec& spec) {
  return spec.time_limit == kNoTimeLimit ? "none" : std::to_string(spec.time_limit);
}

}  // namespace genkidama
