#include "genkidama/ipc/round_barrier.h"

#include <cstdint>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

// Ends a test that has failed; nothing below waits for it to pass.
Deadline far() {
  return Deadline::after(Milliseconds(60000));
}
Deadline now() {
  return Deadline::after(Milliseconds(0));
}
std::optional<std::string> all_well() {
  return std::nullopt;
}

}  // namespace

TEST_CASE("what workers and lead write in their turns is seen by the other, round after round") {
  constexpr int kWorkers = 3, kRounds = 300;
  RoundBarrier barrier(kWorkers);
  // Plain memory: a race would be reported by ThreadSanitizer.
  std::vector<int> slots(kWorkers, 0);
  int given = 0;
  std::vector<std::thread> workers;
  std::vector<int> wrong(kWorkers, 0);
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      for (int round = 0; round < kRounds; ++round) {
        slots[static_cast<std::size_t>(worker)] += given + 1;
        barrier.arrive(worker);
        if (barrier.wait_for_release(worker, far()) != RoundBarrier::Release::kGo) wrong[worker] = 1;
        if (given != round + 1) wrong[worker] = 1;
      }
    });
  }
  int expected = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto arrival = barrier.wait_for_all(far(), all_well);
    expected += round + 1;
    CHECK(arrival.complete);
    CHECK(slots == std::vector<int>(kWorkers, expected));
    given = round + 1;
    barrier.release();
  }
  for (auto& worker : workers) worker.join();
  REQUIRE(wrong == std::vector<int>(kWorkers, 0));
}

TEST_CASE("a barrier knows who has arrived since the last release") {
  RoundBarrier barrier(2);
  REQUIRE(barrier.workers() == 2);
  REQUIRE_FALSE(barrier.has_arrived(0));
  barrier.arrive(0);
  REQUIRE((barrier.has_arrived(0) && !barrier.has_arrived(1)));
  barrier.arrive(1);
  REQUIRE(barrier.wait_for_all(now(), all_well).complete);
  barrier.release();
  REQUIRE((!barrier.has_arrived(0) && !barrier.has_arrived(1)));
}

TEST_CASE("the deadline's text lists the workers that are missing") {
  RoundBarrier barrier(3);
  barrier.arrive(1);
  const auto arrival = barrier.wait_for_all(Deadline::after(Milliseconds(1)), {});
  REQUIRE_FALSE(arrival.complete);
  REQUIRE(arrival.timed_out);
  // Of the indices 0 and 2: users count from 1.
  REQUIRE(arrival.problem == "worker 1 of 3, worker 3 of 3 did not reach the barrier in time");
}

TEST_CASE("a worker that arrives twice counts once") {
  RoundBarrier barrier(2);
  barrier.arrive(0);
  barrier.arrive(0);
  REQUIRE_THAT(barrier.wait_for_all(now(), all_well).problem, Contains("worker 2 of 2"));
}

TEST_CASE("a problem ends the wait with its own text") {
  RoundBarrier barrier(2);
  barrier.arrive(0);
  int asked = 0;
  const auto find_problem = [&]() -> std::optional<std::string> {
    // Nobody arrives any more, so the lead must ask again by itself.
    if (++asked < 3) return std::nullopt;
    return "worker 2 was lost";
  };
  const auto arrival = barrier.wait_for_all(far(), find_problem);
  REQUIRE_FALSE(arrival.complete);
  REQUIRE_FALSE(arrival.timed_out);
  REQUIRE(arrival.problem == "worker 2 was lost");
  REQUIRE(asked == 3);
}

TEST_CASE("a wait that timed out can be taken up again, and no old wake-up opens a later round") {
  RoundBarrier barrier(1);
  barrier.arrive(0);
  REQUIRE(barrier.wait_for_release(0, Deadline::after(Milliseconds(1))) == RoundBarrier::Release::kTimedOut);
  REQUIRE(barrier.wait_for_all(far(), all_well).complete);
  barrier.release();
  REQUIRE(barrier.wait_for_release(0, now()) == RoundBarrier::Release::kGo);

  barrier.arrive(0);
  REQUIRE(barrier.wait_for_all(far(), all_well).complete);
  barrier.release();
  // This worker never waited for that release: its wake-up is still there.
  barrier.arrive(0);
  REQUIRE(barrier.wait_for_release(0, Deadline::after(Milliseconds(1))) == RoundBarrier::Release::kTimedOut);
  // The lead's own left-over wake-ups.
  REQUIRE(barrier.wait_for_all(far(), all_well).complete);
  barrier.release();
  REQUIRE_FALSE(barrier.wait_for_all(Deadline::after(Milliseconds(1)), all_well).complete);
}

TEST_CASE("closing wakes the workers that wait and turns later ones away") {
  RoundBarrier barrier(2);
  RoundBarrier::Release first = RoundBarrier::Release::kGo;
  std::thread worker([&] {
    barrier.arrive(0);
    first = barrier.wait_for_release(0, far());
  });
  // The worker has arrived, and waits now or soon.
  while (!barrier.has_arrived(0)) std::this_thread::yield();
  barrier.close();
  worker.join();
  REQUIRE(first == RoundBarrier::Release::kClosed);
  barrier.arrive(1);
  REQUIRE(barrier.wait_for_release(1, far()) == RoundBarrier::Release::kClosed);
  REQUIRE(barrier.wait_for_release(1, now()) == RoundBarrier::Release::kClosed);
}

TEST_CASE("closing from another thread ends the lead's wait") {
  RoundBarrier barrier(1);
  std::thread closer([&] { barrier.close(); });
  const auto arrival = barrier.wait_for_all(far(), {});
  closer.join();
  REQUIRE_FALSE(arrival.complete);
  REQUIRE_THAT(arrival.problem, Contains("closed"));
}

TEST_CASE("wrong numbers of workers are refused") {
  REQUIRE_THROWS_AS(RoundBarrier(0), ArgumentError);
  REQUIRE_THROWS_AS(RoundBarrier(-1), ArgumentError);
  RoundBarrier barrier(2);
  for (const int worker : {-1, 2}) {
    REQUIRE_THROWS_AS(barrier.arrive(worker), ArgumentError);
    REQUIRE_THROWS_WITH(barrier.arrive(worker), Contains("expected 0 to 1"));
    REQUIRE_THROWS_AS(barrier.wait_for_release(worker, now()), ArgumentError);
    REQUIRE_THROWS_AS(barrier.has_arrived(worker), ArgumentError);
  }
}
