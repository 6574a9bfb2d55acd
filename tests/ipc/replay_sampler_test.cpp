#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/ipc/replay_sampler.h"
#include "ipc/numbered_steps.h"
#include "support/catch.h"
#include "support/child_process.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// The only row that begins with the observation n.
std::size_t row_of(const ReplayBatch& batch, float n) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch.observations[2 * i] == n) return i;
  }
  FAIL("no row begins with " << n);
  return 0;
}

void check_row(const ReplayBatch& batch, float n, float reward, float discount, float next) {
  const std::size_t i = row_of(batch, n);
  CHECK(batch.observations[2 * i + 1] == -n);
  CHECK(batch.actions[i] == n);
  CHECK(batch.rewards[i] == reward);
  CHECK(batch.discounts[i] == discount);
  CHECK(batch.next_observations[2 * i] == next);
  CHECK(batch.next_observations[2 * i + 1] == -next);
  CHECK(batch.weights[i] == 1);
}

ReplayBatch many(ReplayBuffer& buffer, const ReplaySamplerOptions& options, std::size_t count = 500) {
  ReplaySampler sampler(buffer, options);
  Random random(3);
  ReplayBatch batch;
  sampler.sample(random, count, batch);
  CHECK(batch.size() == count);
  return batch;
}

}  // namespace

TEST_CASE("one step is drawn with its reward, its discount and what follows") {
  ReplayBuffer buffer(1, 10, 2);
  store(buffer, 0, 1);
  store(buffer, 0, 2, End::kTerminated);
  store(buffer, 0, 5, End::kTruncated);
  const ReplayBatch batch = many(buffer, {.gamma = 0.5});
  check_row(batch, 1, 10, 0.5f, 2);
  check_row(batch, 2, 20, 0, 3);
  check_row(batch, 5, 50, 0.5f, 6);
  check_row(many(buffer, {.gamma = 0.5, .bootstrap_truncated = false}), 5, 50, 0, 6);
}

TEST_CASE("several steps are put together up to the episode's end and the newest row") {
  ReplayBuffer buffer(1, 10, 2);
  for (const float n : {1.0f, 2.0f, 3.0f}) store(buffer, 0, n);
  store(buffer, 0, 4, End::kTerminated);
  for (const float n : {21.0f, 22.0f}) store(buffer, 0, n);
  const ReplayBatch batch = many(buffer, {.steps = 3, .gamma = 0.5});
  check_row(batch, 1, 10 + 10 + 7.5f, 0.125f, 4);
  check_row(batch, 2, 20 + 15 + 10, 0, 5);
  check_row(batch, 3, 30 + 20, 0, 5);
  check_row(batch, 4, 40, 0, 5);
  check_row(batch, 21, 210 + 110, 0.25f, 23);
  check_row(batch, 22, 220, 0.5f, 23);
}

TEST_CASE("a truncated episode is valued behind its last step, however many steps there are") {
  ReplayBuffer buffer(1, 10, 2);
  store(buffer, 0, 1);
  store(buffer, 0, 2, End::kTruncated);
  store(buffer, 0, 3);
  check_row(many(buffer, {.steps = 5, .gamma = 0.5}), 1, 10 + 10, 0.25f, 3);
  check_row(many(buffer, {.steps = 5, .gamma = 0.5, .bootstrap_truncated = false}), 1, 10 + 10, 0, 3);
}

TEST_CASE("an episode that was left in its middle is not joined to the next one") {
  ReplayBuffer buffer(1, 10, 2);
  store(buffer, 0, 1);
  store(buffer, 0, 7);
  check_row(many(buffer, {.steps = 2, .gamma = 0.5}), 1, 10, 0.5f, 2);
}

TEST_CASE("steps do not go beyond the ring's oldest row") {
  ReplayBuffer buffer(1, 4, 2);
  for (float n = 1; n < 7; ++n) store(buffer, 0, n);
  const ReplayBatch batch = many(buffer, {.steps = 4, .gamma = 1});
  check_row(batch, 3, 30 + 40 + 50 + 60, 1, 7);
  check_row(batch, 6, 60, 1, 7);
  CHECK(*std::min_element(batch.actions.begin(), batch.actions.end()) == 3);
}

TEST_CASE("the stride finds the steps of the same environment") {
  ReplayBuffer buffer(1, 10, 2);
  for (float n = 1; n < 4; ++n) {
    store(buffer, 0, n);
    store(buffer, 0, 100 + n);
  }
  const ReplayBatch batch = many(buffer, {.steps = 2, .gamma = 0.5, .stride = 2});
  check_row(batch, 1, 10 + 10, 0.25f, 3);
  check_row(batch, 102, 1020 + 515, 0.25f, 104);
  check_row(batch, 3, 30, 0.5f, 4);
}

TEST_CASE("a share is drawn from alone, or all of them alike") {
  ReplayBuffer buffer(3, 10, 2);
  for (float n = 1; n < 10; ++n) store(buffer, 0, n);
  store(buffer, 2, 100);
  for (const float action : many(buffer, {.core = 0}).actions) CHECK(action < 10);
  for (const float action : many(buffer, {.core = 2}).actions) CHECK(action == 100);
  const ReplayBatch all = many(buffer, {}, 10'000);
  const auto of_last = std::count(all.actions.begin(), all.actions.end(), 100.0f);
  CHECK(std::abs(of_last - 1000) < 150);
  CHECK(all.places[row_of(all, 100)].core == 2);
  CHECK(all.places[row_of(all, 3)].number == 2);
  ReplaySampler empty(buffer, {.core = 1});
  Random random(1);
  ReplayBatch batch;
  CHECK_THROWS_WITH(empty.sample(random, 1, batch), Catch::Contains("store some first"));
}

TEST_CASE("the mask behind the last step is drawn with it") {
  ReplayBuffer buffer(1, 10, 2, 1, 3);
  store(buffer, 0, 1, End::kNone, {1, 1, 0});
  store(buffer, 0, 2, End::kNone, {0, 1, 1});
  const ReplayBatch batch = many(buffer, {.steps = 2});
  const std::size_t i = row_of(batch, 1);
  CHECK(std::vector<std::uint8_t>(batch.next_masks.begin() + 3 * static_cast<std::ptrdiff_t>(i),
                                  batch.next_masks.begin() + 3 * static_cast<std::ptrdiff_t>(i) + 3) ==
        std::vector<std::uint8_t>{0, 1, 1});
}

TEST_CASE("a sampler refuses options out of range") {
  ReplayBuffer buffer(2, 10, 2);
  CHECK_THROWS_AS(ReplaySampler(buffer, {.core = 2}), ArgumentError);
  CHECK_THROWS_AS(ReplaySampler(buffer, {.core = -2}), ArgumentError);
  CHECK_THROWS_AS(ReplaySampler(buffer, {.steps = 0}), ArgumentError);
  CHECK_THROWS_AS(ReplaySampler(buffer, {.gamma = 1.5}), ArgumentError);
  CHECK_THROWS_AS(ReplaySampler(buffer, {.gamma = std::numeric_limits<double>::quiet_NaN()}), ArgumentError);
  CHECK_THROWS_AS(ReplaySampler(buffer, {.stride = 0}), ArgumentError);
}

TEST_CASE("rows are drawn in proportion to their priorities, and weighted against it") {
  ReplayBuffer buffer(2, 4, 2, 1, 0, true);
  for (const float n : {1.0f, 2.0f}) store(buffer, 0, n);
  for (const float n : {3.0f, 4.0f}) store(buffer, 1, n);
  buffer.set_priority({0, 0}, 0);
  buffer.set_priority({0, 1}, 1);
  buffer.set_priority({1, 0}, 2);
  buffer.set_priority({1, 1}, 5);
  ReplaySampler sampler(buffer, {});
  Random random(1);
  ReplayBatch batch;
  std::vector<int> drawn(5);
  for (int i = 0; i < 1000; ++i) {
    sampler.sample_by_priority(random, 8, 1, batch);
    for (std::size_t k = 0; k < 8; ++k) {
      const auto n = static_cast<std::size_t>(batch.actions[k]);
      ++drawn[n];
      // Equal parts of the sum of 8: there is always one of the smallest that can be drawn, whose weight
      // is 1.
      REQUIRE(batch.weights[k] == Approx(n == 2 ? 1.0 : n == 3 ? 0.5 : 0.2));
    }
  }
  CHECK(drawn == std::vector<int>{0, 0, 1000, 2000, 5000});
  sampler.sample_by_priority(random, 8, 0, batch);
  for (const float weight : batch.weights) CHECK(weight == 1);
  sampler.sample_by_priority(random, 8, 0.5, batch);
  CHECK(*std::min_element(batch.weights.begin(), batch.weights.end()) == Approx(std::sqrt(0.2)));
  ReplaySampler own(buffer, {.core = 0});
  own.sample_by_priority(random, 8, 1, batch);
  for (const float action : batch.actions) CHECK(action == 2);
}

TEST_CASE("a new row has the largest priority that there ever was") {
  ReplayBuffer buffer(1, 3, 2, 1, 0, true);
  store(buffer, 0, 1);
  CHECK(buffer.priority({0, 0}) == 1);
  buffer.set_priority({0, 0}, 9);
  buffer.set_priority({0, 0}, 2);
  store(buffer, 0, 2);
  CHECK(buffer.priority({0, 1}) == 9);
  CHECK(buffer.largest_priority() == 9);
  CHECK(buffer.priority({0, 2}) == 0);  // is not there
}

TEST_CASE("the priority of a row that was overwritten meanwhile is let go of") {
  ReplayBuffer buffer(1, 2, 2, 1, 0, true);
  store(buffer, 0, 1);
  ReplaySampler sampler(buffer, {});
  Random random(1);
  ReplayBatch batch;
  sampler.sample_by_priority(random, 1, 1, batch);
  store(buffer, 0, 2);
  store(buffer, 0, 3);
  sampler.write_priorities(batch, std::vector<float>{77});
  CHECK(buffer.priority({0, 2}) == 1);
  CHECK(buffer.largest_priority() == 1);
}

TEST_CASE("a batch with a priority that is negative or not finite is refused and changes nothing") {
  ReplayBuffer buffer(1, 4, 2, 1, 0, true);
  store(buffer, 0, 1);
  store(buffer, 0, 2);
  ReplaySampler sampler(buffer, {});
  Random random(1);
  ReplayBatch batch;
  sampler.sample_by_priority(random, 2, 1, batch);
  for (const float bad :
       {-1.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    CHECK_THROWS_AS(buffer.set_priority({0, 0}, bad), ArgumentError);
    CHECK_THROWS_AS(sampler.write_priorities(batch, std::vector<float>{5, bad}), ArgumentError);
  }
  CHECK_THROWS_AS(sampler.write_priorities(batch, std::vector<float>{5}), ArgumentError);
  CHECK(buffer.priority({0, 0}) == 1);
  CHECK(buffer.priority({0, 1}) == 1);
  CHECK_THROWS_AS(sampler.sample_by_priority(random, 2, 1.5, batch), ArgumentError);
}

TEST_CASE("a buffer without priorities says so") {
  ReplayBuffer buffer(1, 4, 2);
  store(buffer, 0, 1);
  ReplaySampler sampler(buffer, {});
  Random random(1);
  ReplayBatch batch;
  CHECK_THROWS_WITH(sampler.sample_by_priority(random, 1, 1, batch), Catch::Contains("prioritised"));
  CHECK_THROWS_AS(buffer.set_priority({0, 0}, 1), ArgumentError);
  CHECK_THROWS_AS(buffer.priority({0, 0}), ArgumentError);
  buffer.mend_priorities(0);
}

TEST_CASE("a share is restored with its priorities") {
  ReplayBuffer buffer(1, 4, 2, 1, 0, true);
  for (float n = 0; n < 6; ++n) store(buffer, 0, n);
  buffer.set_priority({0, 3}, 8);
  buffer.set_priority({0, 5}, 0.5f);
  const ReplayShare share = buffer.share(0, 3);
  CHECK(share.priorities == std::vector<float>{8, 1, 0.5f});
  ReplayBuffer other(1, 4, 2, 1, 0, true);
  other.restore(0, share);
  CHECK(other.priority({0, 2}) == 0);
  CHECK(other.priority({0, 3}) == 8);
  CHECK(other.priority({0, 4}) == 1);
  CHECK(other.priority({0, 5}) == 0.5f);
  CHECK(other.largest_priority() == 8);
  // As a buffer without priorities was saved: all rows are alike.
  ReplayShare without = share;
  without.priorities.clear();
  other.restore(0, without);
  CHECK(other.priority({0, 5}) == 8);
}

TEST_CASE("a buffer that is larger than memory is refused with its size") {
  CHECK_THROWS_WITH(
      ReplayBuffer(2, 1'000'000'000'000, 8),
      Catch::Contains("cannot share 176000000000000 bytes of memory for 1000000000000 steps for "
                      "each of 2 workers in the replay buffer: the machine has ") &&
          Catch::Contains("expected fewer steps"));
  CHECK_THROWS_AS(ReplayBuffer(2, 1'000'000'000'000, 8), IoError);
}

TEST_CASE("rows drawn while others store and write priorities are whole") {
  ReplayBuffer buffer(2, 64, 2, 1, 0, true);
  store(buffer, 0, 0);
  SharedArray<std::atomic<bool>> over(1, "test");
  const auto play = [&](int core) {
    ReplaySampler sampler(buffer, {});
    Random random(static_cast<std::uint64_t>(core));
    ReplayBatch batch;
    for (std::uint64_t n = 1; !over[0]; n = n % 100'000 + 1) {
      store(buffer, core, static_cast<float>(n), n % 5 == 0 ? End::kTerminated : End::kNone);
      if (n % 8 != 0) continue;
      sampler.sample_by_priority(random, 8, 0.5, batch);
      std::vector<float> priorities(8);
      for (float& each : priorities) each = static_cast<float>(random.uniform());
      sampler.write_priorities(batch, priorities);
    }
    return 0;
  };
  ChildProcess first([&] { return play(0); }), second([&] { return play(1); });
  ReplaySampler sampler(buffer, {.steps = 3, .gamma = 1});
  Random random(9);
  ReplayBatch batch;
  for (int i = 0; i < 3000; ++i) {
    sampler.sample_by_priority(random, 16, 1, batch);
    for (std::size_t k = 0; k < 16; ++k) {
      const float n = batch.actions[k], next = batch.next_observations[2 * k];
      const auto steps = static_cast<int>(next - n);
      REQUIRE((steps >= 1 && steps <= 3));
      float reward = 0;
      for (int step = 0; step < steps; ++step) reward += 10 * (n + static_cast<float>(step));
      REQUIRE(batch.rewards[k] == reward);
      REQUIRE(batch.observations[2 * k] == n);
      REQUIRE((batch.weights[k] > 0 && batch.weights[k] <= 1));
    }
  }
  over[0] = true;
  CHECK(first.wait() == "exit 0");
  CHECK(second.wait() == "exit 0");
}

TEST_CASE("a worker killed while it stores and writes priorities leaves a buffer to learn from") {
  for (int attempt = 0; attempt < 10; ++attempt) {
    ReplayBuffer buffer(2, 64, 2, 1, 0, true);
    store(buffer, 0, 1);
    ChildProcess worker([&] {
      ReplaySampler sampler(buffer, {});
      Random random(1);
      ReplayBatch batch;
      for (float n = 0;; ++n) {
        store(buffer, 1, n);
        sampler.sample_by_priority(random, 4, 1, batch);
        sampler.write_priorities(batch, std::vector<float>(4, static_cast<float>(random.uniform())));
      }
      return 0;
    });
    while (buffer.stored(1) < 200 + 11 * static_cast<std::uint64_t>(attempt)) std::this_thread::yield();
    worker.kill(SIGKILL);
    CHECK(worker.wait() == "signal 9");
    ReplaySampler sampler(buffer, {.steps = 3});
    Random random(1);
    ReplayBatch batch;
    for (int i = 0; i < 200; ++i) sampler.sample_by_priority(random, 16, 1, batch);
    // Whoever takes its place goes on in its share.
    buffer.mend_priorities(1);
    store(buffer, 1, 1000);
    const ReplayPlace newest{1, buffer.stored(1) - 1};
    CHECK(buffer.priority(newest) == buffer.largest_priority());
    buffer.set_priority(newest, 3);
    CHECK(buffer.priority(newest) == 3);
  }
}
