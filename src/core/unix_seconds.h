#pragma once

#include <chrono>

namespace genkidama {

/// Seconds since 1970, by the clock on the wall.
inline double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace genkidama
