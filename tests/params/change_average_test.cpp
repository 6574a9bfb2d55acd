#include "genkidama/params/change_average.h"

#include <cmath>
#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/params/exchange_kind.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

using Change = std::vector<float>;

Change random_change(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  Change change(size);
  for (float& value : change) value = static_cast<float>(random.uniform(-1, 1));
  return change;
}

Change mean_of(const std::vector<WeightedChange>& changes, std::size_t size) {
  Change mean(size, 123);
  average_changes(changes, mean);
  return mean;
}

}  // namespace

TEST_CASE("the mean of changes is weighted, and each counts by its discount") {
  // More elements than one block has, and no whole number of blocks.
  constexpr std::size_t kSize = 1500;
  const Change a = random_change(kSize, 1), b = random_change(kSize, 2), c = random_change(kSize, 3);
  const Change mean = mean_of({{a, 100, 1}, {b, 300, 1}, {c, 200, 0.5}}, kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    const double expected = (100 * double{a[i]} + 300 * double{b[i]} + 0.5 * 200 * double{c[i]}) / 600;
    REQUIRE(mean[i] == Approx(expected).margin(1e-7));
  }
}

TEST_CASE("a change that is alone is its own mean, and a discount moves the mean less") {
  const Change change{1, -2, 0.25f};
  CHECK(mean_of({{change, 7, 1}}, 3) == change);
  CHECK(mean_of({{change, 7, 0.5}}, 3) == Change{0.5f, -1, 0.125f});
  CHECK(mean_of({{change, 7, 0}}, 3) == Change{0, 0, 0});
}

TEST_CASE("changes without any weight count alike") {
  const Change a{1, 2}, b{3, -2};
  CHECK(mean_of({{a, 0, 1}, {b, 0, 1}}, 2) == Change{2, 0});
}

TEST_CASE("what is stale by more rounds counts less") {
  CHECK(staleness_discount(0) == 1);
  CHECK(staleness_discount(3) == 0.5);
  CHECK(staleness_discount(99) == Approx(0.1));
}

TEST_CASE("changes that cannot be averaged are refused, and the mean is left as it was") {
  const Change change{1, 2};
  Change mean{5, 6};
  const auto refused = [&](const std::vector<WeightedChange>& changes, const char* why) {
    CHECK_THROWS_AS(average_changes(changes, mean), ArgumentError);
    CHECK_THROWS_WITH(average_changes(changes, mean), Contains(why));
    CHECK(mean == Change{5, 6});
  };
  refused({}, "no changes");
  refused({{std::span(change).first(1), 1, 1}}, "1 elements; the mean has 2");
  refused({{change, -1, 1}}, "weight of a change is -1");
  refused({{change, std::numeric_limits<double>::infinity(), 1}}, "weight");
  refused({{change, std::nan(""), 1}}, "weight");
  refused({{change, 1, 1.5}}, "discount of a change is 1.5");
  refused({{change, 1, -0.5}}, "discount");
  refused({{change, 1, std::nan("")}}, "discount");
}

TEST_CASE("each kind of exchange has a name, and no other name is one") {
  for (const auto kind : {ExchangeKind::kEach, ExchangeKind::kRounds}) {
    CHECK(exchange_of(exchange_name(kind)) == kind);
  }
  CHECK(exchange_name(ExchangeKind::kRounds) == std::string("rounds"));
  CHECK_FALSE(exchange_of(""));
  CHECK_FALSE(exchange_of("Rounds"));
}
