#pragma once

// Statistics that were counted on two ways.

#include <cstddef>

#include "genkidama/params/running_statistics.h"
#include "support/catch.h"

namespace genkidama::test {

/// Checks counts, and means and variances to 1e-9.
inline void check_same(const RunningStatistics& a, const RunningStatistics& b) {
  REQUIRE(a.components() == b.components());
  CHECK(a.count() == b.count());
  for (std::size_t i = 0; i < a.components(); ++i) {
    CHECK(a.mean(i) == Approx(b.mean(i)).epsilon(1e-9));
    CHECK(a.variance(i) == Approx(b.variance(i)).epsilon(1e-9));
  }
}

}  // namespace genkidama::test
