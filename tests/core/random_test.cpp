#include "genkidama/core/random.h"

#include <cmath>
#include <set>
#include <vector>

#include "support/catch.h"

using genkidama::derive_seed;
using genkidama::Random;

TEST_CASE("the same seed gives the same numbers and another seed gives others") {
  Random a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto value = a();
    REQUIRE(value == b());
    differs = differs || value != c();
  }
  REQUIRE(differs);
}

TEST_CASE("the generator matches the published algorithm from a known state") {
  // SplitMix64 from seed 0 begins e220a8397b1dcdaf, 6e789e6aa1b965f4, 06c45d188009454f, f88bb8a8724c81ec;
  // xoshiro256++ on that state gives rotl(s0 + s3, 23) + s0 first.
  const std::uint64_t s0 = 0xe220a8397b1dcdafu, s3 = 0xf88bb8a8724c81ecu;
  const std::uint64_t sum = s0 + s3;
  REQUIRE(Random(0)() == ((sum << 23) | (sum >> 41)) + s0);
}

TEST_CASE("uniform numbers fill [0, 1) evenly") {
  Random random(1);
  std::vector<int> bins(10, 0);
  for (int i = 0; i < 100000; ++i) {
    const double u = random.uniform();
    REQUIRE((u >= 0.0 && u < 1.0));
    ++bins[static_cast<std::size_t>(u * 10)];
  }
  for (const int count : bins) REQUIRE(std::abs(count - 10000) < 500);  // five standard deviations
}

TEST_CASE("below() reaches every value and nothing else") {
  Random random(2);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(7));
  REQUIRE(seen.size() == 7);
  REQUIRE(*seen.rbegin() == 6);
}

TEST_CASE("derived seeds depend on every element of the path and on its order") {
  const std::set<std::uint64_t> seeds{derive_seed(1, {}),     derive_seed(1, {0}),    derive_seed(1, {1}),
                                      derive_seed(1, {0, 1}), derive_seed(1, {1, 0}), derive_seed(2, {0, 1}),
                                      derive_seed(1, {0, 0}), derive_seed(0, {1, 0})};
  REQUIRE(seeds.size() == 8);
  REQUIRE(derive_seed(1, {0, 1}) == derive_seed(1, {0, 1}));
}

TEST_CASE("normal numbers have mean 0, deviation 1 and the normal distribution's tails") {
  Random random(3);
  constexpr int kCount = 200'000;
  double sum = 0, squares = 0;
  int beyond_two = 0;
  for (int i = 0; i < kCount; ++i) {
    const double z = random.normal();
    sum += z;
    squares += z * z;
    beyond_two += std::abs(z) > 2 ? 1 : 0;
  }
  REQUIRE(std::abs(sum / kCount) < 0.012);  // five standard deviations, as below
  REQUIRE(std::abs(squares / kCount - 1) < 0.016);
  REQUIRE(std::abs(beyond_two / double{kCount} - 0.0455) < 0.0024);
}
