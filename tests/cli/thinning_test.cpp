// What of a long run is kept.
#include "run/directory/thinning.h"

#include <set>

#include "fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;
using namespace genkidama::test;

namespace {

template <typename Kept>
std::uint64_t count_kept(std::uint64_t first, std::uint64_t last, const Kept& kept) {
  std::uint64_t count = 0;
  for (std::uint64_t update = first; update <= last; ++update) count += kept(update);
  return count;
}

}  // namespace

TEST_CASE("of a short run every row is kept, of a longer one a tenth, of a still longer one a hundredth") {
  Settings settings;
  settings.checkpoint_every = 1'000'000'000;
  const auto kept = [&](std::uint64_t update) { return is_row_kept(settings, update); };
  CHECK(count_kept(1, 10'000, kept) == 10'000);
  const auto tenth = count_kept(10'001, 100'000, kept);
  CHECK(tenth > 8'500);
  CHECK(tenth < 9'500);
  const auto hundredth = count_kept(100'001, 1'000'000, kept);
  CHECK(hundredth > 8'500);
  CHECK(hundredth < 9'500);
}

TEST_CASE("the rows that are kept fall on all Children that take turns") {
  const Settings settings;
  for (const std::uint64_t children : {2u, 10u, 11u, 100u}) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t update = 100'001; update <= 1'000'000; ++update) {
      if (is_row_kept(settings, update)) seen.insert(update % children);
    }
    CHECK(seen.size() == children);
  }
}

TEST_CASE("checkpoints get rarer, and each has its row") {
  Settings settings;
  settings.checkpoint_every = 50;
  const auto policy = [&](std::uint64_t update) { return is_policy_kept(settings, update); };
  CHECK(count_kept(1, 50'000, policy) == 1'000);
  CHECK(count_kept(50'001, 500'000, policy) == 900);
  CHECK(count_kept(500'001, 1'000'000, policy) == 100);
  CHECK(count_kept(1, 1'000'000, [&](std::uint64_t update) {
          return policy(update) && !is_row_kept(settings, update);
        }) == 0);
}

TEST_CASE("with --keep-all nothing is left out") {
  Settings settings;
  settings.keep_all = true;
  settings.checkpoint_every = 10;
  CHECK(count_kept(1, 200'000, [&](std::uint64_t update) { return is_row_kept(settings, update); }) ==
        200'000);
  CHECK(count_kept(1, 200'000, [&](std::uint64_t update) { return is_policy_kept(settings, update); }) ==
        20'000);
}
