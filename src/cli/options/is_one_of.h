#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace genkidama::cli {

/// Whether the name is among these.
inline bool is_one_of(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace genkidama::cli
