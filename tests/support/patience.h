#pragma once

#include <chrono>

#ifndef GENKIDAMA_TEST_PATIENCE
/// What time limits are multiplied with; more than one in an emulator and under ThreadSanitizer, by
/// tests/CMakeLists.txt.
#define GENKIDAMA_TEST_PATIENCE 1
#endif

namespace genkidama::test {

/// A limit for what is expected to happen long before; of a machine that computes as this one does.
inline std::chrono::seconds patient_seconds(int seconds) {
  return std::chrono::seconds(GENKIDAMA_TEST_PATIENCE * seconds);
}

}  // namespace genkidama::test
