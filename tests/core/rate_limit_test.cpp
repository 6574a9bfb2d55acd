#include "core/rate_limit.h"

#include "genkidama/core/clock.h"
#include "support/catch.h"

using namespace genkidama;

TEST_CASE("a rate limit lets so many at once, then so many a second", "[security]") {
  const auto start = Clock::now();
  RateLimit limit(2, 3);
  CHECK(limit.allow(start));
  CHECK(limit.allow(start));
  CHECK(limit.allow(start));
  CHECK_FALSE(limit.allow(start));
  CHECK_FALSE(limit.allow(start + Milliseconds(400)));
  CHECK(limit.allow(start + Milliseconds(600)));
  CHECK_FALSE(limit.allow(start + Milliseconds(700)));
  // Never more than the burst, however long nobody came.
  const auto later = start + Milliseconds(1'000'000);
  for (int i = 0; i < 3; ++i) CHECK(limit.allow(later));
  CHECK_FALSE(limit.allow(later));
  RateLimit none(0, 1);
  for (int i = 0; i < 100; ++i) CHECK(none.allow(start));
}
