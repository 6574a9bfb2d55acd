#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/ipc/replay_sampler.h"

#include <limits>
#include <numeric>
#include <set>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

void store(ReplayBuffer& buffer, int core, const std::vector<float>& before, float action, float reward,
           const std::vector<float>& after, bool terminated, bool truncated) {
  buffer.store(core, {before, {&action, 1}, reward, after, terminated, truncated});
}

/// A transition of which every field tells its number.
void store_numbered(ReplayBuffer& buffer, int core, int number) {
  const float n = static_cast<float>(number);
  store(buffer, core, {n, -n}, n, 2 * n, {n + 0.5f, -n - 0.5f}, number % 2 == 1, number % 3 == 1);
}

/// The numbers in a batch, in its order; fails when a row's fields do not belong together.
std::vector<int> numbers(const TransitionBatch& batch) {
  std::vector<int> result;
  bool whole = batch.observations.size() == 2 * batch.size() &&
               batch.next_observations.size() == 2 * batch.size() && batch.rewards.size() == batch.size() &&
               batch.terminated.size() == batch.size() && batch.truncated.size() == batch.size();
  REQUIRE(whole);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const int number = static_cast<int>(batch.actions[i]);
    const float n = static_cast<float>(number);
    whole = whole && batch.observations[2 * i] == n && batch.observations[2 * i + 1] == -n &&
            batch.rewards[i] == 2 * n && batch.next_observations[2 * i] == n + 0.5f &&
            batch.next_observations[2 * i + 1] == -n - 0.5f && batch.terminated[i] == number % 2 &&
            batch.truncated[i] == (number % 3 == 1 ? 1 : 0);
    result.push_back(number);
  }
  REQUIRE(whole);
  return result;
}

/// first, first + 1, ..., last.
std::vector<int> range(int first, int last) {
  std::vector<int> result(static_cast<std::size_t>(last - first + 1));
  std::iota(result.begin(), result.end(), first);
  return result;
}

double chi_square(const std::vector<int>& counts, double expected) {
  double sum = 0;
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

}  // namespace

TEST_CASE("steps come back in time order across the end of the ring") {
  ReplayBuffer buffer(2, 5, 2);
  REQUIRE(buffer.in_time_order(0, 3).size() == 0);
  for (int stored = 1; stored <= 17; ++stored) {
    store_numbered(buffer, 0, stored);
    REQUIRE(buffer.stored(0) == static_cast<std::uint64_t>(stored));
    REQUIRE(buffer.size(0) == static_cast<std::size_t>(std::min(stored, 5)));
    REQUIRE(numbers(buffer.in_time_order(0, 100)) == range(std::max(1, stored - 4), stored));
    REQUIRE(numbers(buffer.in_time_order(0, 2)) == range(std::max(1, stored - 1), stored));
    REQUIRE(buffer.in_time_order(0, 0).size() == 0);
  }
  REQUIRE((buffer.size(1) == 0 && buffer.stored(1) == 0));
}

TEST_CASE("a sample of one core has its rows only, and a sample of all has all") {
  ReplayBuffer buffer(3, 4, 2);
  for (int number = 0; number < 4; ++number) store_numbered(buffer, 0, number);
  store_numbered(buffer, 2, 100);
  REQUIRE(buffer.size() == 5);
  Random random(1);
  const auto of_core_0 = numbers(buffer.sample_with_replacement(random, 200, 0));
  REQUIRE(std::set<int>(of_core_0.begin(), of_core_0.end()) == std::set<int>{0, 1, 2, 3});
  REQUIRE(numbers(buffer.sample_without_replacement(random, 1, 2)) == std::vector<int>{100});
  const auto of_all = numbers(buffer.sample_with_replacement(random, 200));
  REQUIRE(std::set<int>(of_all.begin(), of_all.end()) == std::set<int>{0, 1, 2, 3, 100});
  REQUIRE_THROWS_AS(buffer.sample_with_replacement(random, 1, 1), ArgumentError);
}

TEST_CASE("a row whose first state component is 0 is drawn like the others") {
  ReplayBuffer buffer(1, 4, 2);
  const std::vector<float> zero{0, 0};
  for (int i = 0; i < 4; ++i) store(buffer, 0, zero, static_cast<float>(i), 0, zero, false, false);
  Random random(1);
  const auto batch = buffer.sample_without_replacement(random, 4);
  REQUIRE(std::set<float>(batch.actions.begin(), batch.actions.end()) == std::set<float>{0, 1, 2, 3});
  REQUIRE(batch.observations == std::vector<float>(8, 0.0f));
}

TEST_CASE("rows are drawn uniformly, with and without replacement") {
  // Shares of different sizes: a draw by core first would favour the small one.
  constexpr int kRows = 16;
  ReplayBuffer buffer(2, 12, 2);
  for (int number = 0; number < 4; ++number) store_numbered(buffer, 0, number);
  for (int number = 4; number < kRows; ++number) store_numbered(buffer, 1, number);
  Random random(2024);
  constexpr double kCritical = 37.7;  // 15 degrees of freedom, 0.1 %
  std::vector<int> with(kRows, 0), without(kRows, 0), first(kRows, 0);
  for (const int number : numbers(buffer.sample_with_replacement(random, 16000))) ++with[number];
  REQUIRE(chi_square(with, 1000) < kCritical);
  for (int trial = 0; trial < 8000; ++trial) {
    const auto drawn = numbers(buffer.sample_without_replacement(random, 4));
    for (const int number : drawn) ++without[number];
    ++first[drawn.front()];
  }
  REQUIRE(chi_square(without, 2000) < kCritical);
  REQUIRE(chi_square(first, 500) < kCritical);
}

TEST_CASE("a sample without replacement holds no row twice") {
  ReplayBuffer buffer(2, 50, 2);
  for (int number = 0; number < 100; ++number) store_numbered(buffer, number % 2, number);
  Random random(3);
  for (const std::size_t count :
       {std::size_t{0}, std::size_t{1}, std::size_t{10}, std::size_t{99}, std::size_t{100}}) {
    const auto drawn = numbers(buffer.sample_without_replacement(random, count));
    REQUIRE(drawn.size() == count);
    REQUIRE(std::set<int>(drawn.begin(), drawn.end()).size() == count);
  }
  REQUIRE_THROWS_AS(buffer.sample_without_replacement(random, 101), ArgumentError);
  REQUIRE_THROWS_WITH(buffer.sample_without_replacement(random, 101), Contains("101") && Contains("100"));
  REQUIRE_THROWS_AS(buffer.sample_without_replacement(random, 51, 1), ArgumentError);
}

TEST_CASE("the same seed draws the same rows and another seed others") {
  ReplayBuffer buffer(1, 1000, 2);
  for (int number = 0; number < 1000; ++number) store_numbered(buffer, 0, number);
  Random a(9), b(9), c(10);
  const auto with = numbers(buffer.sample_with_replacement(a, 64));
  REQUIRE(with == numbers(buffer.sample_with_replacement(b, 64)));
  REQUIRE(with != numbers(buffer.sample_with_replacement(c, 64)));
  const auto without = numbers(buffer.sample_without_replacement(a, 64));
  REQUIRE(without == numbers(buffer.sample_without_replacement(b, 64)));
  REQUIRE(without != numbers(buffer.sample_without_replacement(c, 64)));
}

TEST_CASE("a sample drawn into a batch is the one that comes in a new batch, whatever the batch held") {
  ReplayBuffer buffer(2, 600, 2);
  for (int number = 0; number < 1000; ++number) store_numbered(buffer, number % 2, number);
  Random a(9), b(9);
  TransitionBatch batch;
  for (const std::size_t count :
       {std::size_t{64}, std::size_t{900}, std::size_t{0}, std::size_t{1}, std::size_t{512}}) {
    const auto same = [&batch](const TransitionBatch& expected) {
      return batch.observations == expected.observations && batch.actions == expected.actions &&
             batch.rewards == expected.rewards && batch.next_observations == expected.next_observations &&
             batch.terminated == expected.terminated && batch.truncated == expected.truncated;
    };
    buffer.sample_with_replacement(a, count, batch, 1);
    REQUIRE(same(buffer.sample_with_replacement(b, count, 1)));
    REQUIRE(batch.size() == count);
    buffer.sample_without_replacement(a, count, batch);
    REQUIRE(same(buffer.sample_without_replacement(b, count)));
    REQUIRE(batch.size() == count);
  }
  REQUIRE_THROWS_AS(buffer.sample_without_replacement(a, 1001, batch), ArgumentError);
  REQUIRE_THROWS_AS(ReplayBuffer(1, 2, 2).sample_with_replacement(a, 1, batch), ArgumentError);
}

TEST_CASE("the same seed draws the rows that it has always drawn") {
  ReplayBuffer buffer(2, 8, 2);
  for (int number = 0; number < 12; ++number) store_numbered(buffer, number % 2, number);
  Random random(5);
  CHECK(numbers(buffer.sample_with_replacement(random, 8)) == std::vector<int>{1, 1, 11, 4, 3, 1, 7, 1});
  CHECK(numbers(buffer.sample_without_replacement(random, 8)) == std::vector<int>{1, 6, 10, 3, 2, 5, 11, 0});
  CHECK(numbers(buffer.sample_without_replacement(random, 4, 1)) == std::vector<int>{1, 3, 5, 9});
}

TEST_CASE("every bit of a transition is kept") {
  ReplayBuffer buffer(1, 1, 1);
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  store(buffer, 0, {-0.0f}, -std::numeric_limits<float>::max(), 1e-45f, std::vector<float>{kNaN}, true, true);
  const auto batch = buffer.in_time_order(0, 1);
  REQUIRE((batch.observations[0] == 0.0f && std::signbit(batch.observations[0])));
  REQUIRE(batch.actions[0] == -std::numeric_limits<float>::max());
  REQUIRE(batch.rewards[0] == 1e-45f);
  REQUIRE(std::isnan(batch.next_observations[0]));
  REQUIRE((batch.terminated[0] == 1 && batch.truncated[0] == 1));
}

TEST_CASE("actions of several components are kept, and those of another width refused") {
  ReplayBuffer buffer(1, 2, 1, 3);
  REQUIRE(buffer.action_width() == 3);
  const std::vector<float> observation{1}, first{1, -0.5f, 3}, second{4, 5, -6}, third{7, 8, 9};
  for (const auto& action : {first, second, third})
    buffer.store(0, {observation, action, 0, observation, false, false});
  REQUIRE(buffer.in_time_order(0, 2).actions == std::vector<float>{4, 5, -6, 7, 8, 9});
  REQUIRE_THROWS_AS(buffer.store(0, {observation, observation, 0, observation, false, false}), ArgumentError);
  REQUIRE_THROWS_WITH(buffer.store(0, {observation, observation, 0, observation, false, false}),
                      Contains("an action of 1 numbers") && Contains("have 3"));
  const ReplayShare share = buffer.share(0, 2);
  ReplayBuffer after(1, 2, 1, 3);
  after.restore(0, share);
  REQUIRE(after.in_time_order(0, 2).actions == buffer.in_time_order(0, 2).actions);
  REQUIRE_THROWS_WITH(ReplayBuffer(1, 2, 1).restore(0, share), Contains("6 action values"));
  REQUIRE_THROWS_AS(ReplayBuffer(1, 2, 1, 0), ArgumentError);
}

TEST_CASE("masks of the actions that may follow are kept, and those of another size refused") {
  ReplayBuffer buffer(1, 3, 1, 1, 4);
  REQUIRE(buffer.mask_width() == 4);
  REQUIRE(buffer.row_size() == 2 + 1 + 3 + 4);
  const std::vector<float> observation{1}, action{0};
  const std::vector<std::uint8_t> first{1, 0, 1, 0}, second{0, 0, 0, 1}, shorter{1, 1, 1};
  for (const auto& mask : {first, first, second})
    buffer.store(0, {observation, action, 0, observation, false, false, mask});
  // A terminal state has no mask: everything counts as allowed.
  buffer.store(0, {observation, action, 0, observation, true, false});
  const std::vector<std::uint8_t> expected{1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1};
  REQUIRE(buffer.in_time_order(0, 3).next_masks == expected);
  REQUIRE(buffer.in_time_order(0, 2).next_masks ==
          std::vector<std::uint8_t>(expected.begin() + 4, expected.end()));
  Random random(1);
  REQUIRE(buffer.sample_with_replacement(random, 5).next_masks.size() == 20);
  REQUIRE_THROWS_AS(buffer.store(0, {observation, action, 0, observation, false, false, shorter}),
                    ArgumentError);
  REQUIRE_THROWS_WITH(buffer.store(0, {observation, action, 0, observation, false, false, shorter}),
                      Contains("a mask of 3 bytes") && Contains("have 4"));
  ReplayBuffer after(1, 3, 1, 1, 4);
  after.restore(0, buffer.share(0, 3));
  REQUIRE(after.in_time_order(0, 3).next_masks == expected);
  REQUIRE_THROWS_AS(ReplayBuffer(1, 3, 1, 1, 3).restore(0, buffer.share(0, 3)), ArgumentError);
  REQUIRE_THROWS_AS(ReplayBuffer(1, 3, 1).restore(0, buffer.share(0, 3)), ArgumentError);
  REQUIRE_THROWS_AS(ReplayBuffer(1, 3, 1, 1, -1), ArgumentError);
  REQUIRE_THROWS_AS(
      ReplayBuffer(1, 3, 1).store(0, {observation, action, 0, observation, false, false, first}),
      ArgumentError);
  REQUIRE(ReplayBuffer(1, 3, 1).in_time_order(0, 1).next_masks.empty());
}

TEST_CASE("an empty buffer has nothing to draw") {
  const ReplayBuffer buffer(2, 3, 2);
  Random random(1);
  REQUIRE(buffer.size() == 0);
  REQUIRE_THROWS_AS(buffer.sample_with_replacement(random, 1), ArgumentError);
  REQUIRE_THROWS_AS(buffer.sample_without_replacement(random, 1), ArgumentError);
  REQUIRE(buffer.sample_with_replacement(random, 0).size() == 0);
  REQUIRE(buffer.sample_without_replacement(random, 0).size() == 0);
}

TEST_CASE("wrong sizes and cores are refused and store nothing") {
  ReplayBuffer buffer(2, 3, 2);
  const std::vector<float> right{1, 2}, shorter{1}, longer{1, 2, 3};
  REQUIRE_THROWS_AS(store(buffer, 0, shorter, 0, 0, right, false, false), ArgumentError);
  REQUIRE_THROWS_AS(store(buffer, 0, right, 0, 0, longer, false, false), ArgumentError);
  REQUIRE_THROWS_WITH(store(buffer, 0, longer, 0, 0, right, false, false),
                      Contains("3") && Contains("have 2"));
  Random random(1);
  for (const int core : {-2, 2}) {
    REQUIRE_THROWS_AS(store(buffer, core, right, 0, 0, right, false, false), ArgumentError);
    REQUIRE_THROWS_AS(buffer.size(core), ArgumentError);
    REQUIRE_THROWS_AS(buffer.stored(core), ArgumentError);
    REQUIRE_THROWS_AS(buffer.in_time_order(core, 1), ArgumentError);
    REQUIRE_THROWS_AS(buffer.sample_with_replacement(random, 1, core), ArgumentError);
    REQUIRE_THROWS_AS(buffer.sample_without_replacement(random, 1, core), ArgumentError);
  }
  REQUIRE_THROWS_AS(store(buffer, -1, right, 0, 0, right, false, false), ArgumentError);
  REQUIRE_THROWS_AS(buffer.in_time_order(-1, 1), ArgumentError);
  REQUIRE(buffer.size() == 0);
}

TEST_CASE("a buffer that cannot be made is refused") {
  REQUIRE_THROWS_AS(ReplayBuffer(0, 1, 1), ArgumentError);
  REQUIRE_THROWS_AS(ReplayBuffer(-1, 1, 1), ArgumentError);
  REQUIRE_THROWS_AS(ReplayBuffer(1, 0, 1), ArgumentError);
  REQUIRE_THROWS_AS(ReplayBuffer(1, 1, 0), ArgumentError);
  REQUIRE_THROWS_AS(ReplayBuffer(1, 1, -5), ArgumentError);
  constexpr std::size_t kHuge = std::numeric_limits<std::size_t>::max();
  REQUIRE_THROWS_AS(ReplayBuffer(1, kHuge, 1), IoError);
  REQUIRE_THROWS_AS(ReplayBuffer(1000, kHuge / 500, 1), IoError);
  REQUIRE_THROWS_AS(ReplayBuffer(1, kHuge / (sizeof kHuge > 4 ? 64 : 8), 1), IoError);
}

TEST_CASE("a share that was saved and restored gives the same samples, and goes on at the same place") {
  for (const int stored : {0, 3, 5, 12}) {
    CAPTURE(stored);
    ReplayBuffer before(2, 5, 2);
    for (int i = 0; i < stored; ++i) store_numbered(before, 1, i);
    ReplayBuffer after(2, 5, 2);
    store_numbered(after, 1, 99);  // goes
    after.restore(1, before.share(1, 5));
    for (int more = 0; more < 3; ++more) {
      REQUIRE(after.stored(1) == before.stored(1));
      REQUIRE(after.size() == before.size());
      REQUIRE(numbers(after.in_time_order(1, 5)) == numbers(before.in_time_order(1, 5)));
      if (before.size() > 0) {
        Random a(7), b(7);
        REQUIRE(numbers(after.sample_with_replacement(a, 20)) ==
                numbers(before.sample_with_replacement(b, 20)));
      }
      store_numbered(before, 1, 100 + more);
      store_numbered(after, 1, 100 + more);
    }
    REQUIRE(after.stored(0) == 0);
  }
}

TEST_CASE("of a share that does not fit, the newest rows are kept") {
  ReplayBuffer before(1, 8, 2);
  for (int i = 0; i < 20; ++i) store_numbered(before, 0, i);
  ReplayBuffer smaller(1, 3, 2);
  smaller.restore(0, before.share(0, 8));
  CHECK(numbers(smaller.in_time_order(0, 8)) == std::vector<int>{17, 18, 19});
  CHECK(smaller.stored(0) == 20);

  ReplayBuffer part(1, 8, 2);
  part.restore(0, before.share(0, 2));
  CHECK(numbers(part.in_time_order(0, 8)) == std::vector<int>{18, 19});
  store_numbered(part, 0, 20);
  CHECK(numbers(part.in_time_order(0, 8)) == std::vector<int>{18, 19, 20});
}

TEST_CASE("a share that is larger than what was restored into it draws only what is there") {
  ReplayBuffer before(1, 3, 2);
  for (int i = 0; i < 200'000; ++i) store_numbered(before, 0, i);
  ReplayBuffer larger(2, 100'000, 2);
  larger.restore(0, before.share(0, 3));
  CHECK(larger.size() == 3);
  CHECK(larger.oldest(0, larger.stored(0)) == 199'997);
  Random random(5);
  store_numbered(larger, 0, 200'000);
  store_numbered(larger, 1, 1);
  CHECK(larger.size() == 5);
  for (const int number : numbers(larger.sample_with_replacement(random, 100)))
    CHECK((number == 1 || (number >= 199'997 && number <= 200'000)));
  CHECK(numbers(larger.sample_without_replacement(random, 5)).size() == 5);
  REQUIRE_THROWS_AS(larger.sample_without_replacement(random, 6), ArgumentError);

  ReplaySampler sampler(larger, {});
  ReplayBatch batch;
  sampler.sample(random, 400, batch);
  REQUIRE(batch.size() == 400);
  CHECK(sampler.size() == 5);
  for (int i = 0; i < 100'000; ++i) store_numbered(larger, 0, i);
  CHECK(larger.size(0) == 100'000);
  CHECK(numbers(larger.in_time_order(0, 1, 99'999)) == std::vector<int>{0});
}

TEST_CASE("a share of other rows is refused") {
  ReplayBuffer buffer(1, 4, 2);
  for (int i = 0; i < 3; ++i) store_numbered(buffer, 0, i);
  ReplayShare share = buffer.share(0, 4);
  REQUIRE_THROWS_AS(ReplayBuffer(1, 4, 3).restore(0, share), ArgumentError);
  REQUIRE_THROWS_AS(buffer.restore(1, share), ArgumentError);
  share.stored = 2;
  REQUIRE_THROWS_WITH(buffer.restore(0, share), Contains("3 rows of 2"));
  REQUIRE(numbers(buffer.in_time_order(0, 4)) == std::vector<int>{0, 1, 2});
}
