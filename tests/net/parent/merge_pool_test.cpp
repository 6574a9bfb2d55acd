// Threads that take work from the io thread, which is the test's own here.
#include "net/parent/merge_pool.h"

#include <atomic>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "net/parent/shared_weights.h"
#include "support/catch.h"
#include "support/eventually.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

class Task final : public MergeTask {
 public:
  void run() noexcept override {
    started.open();
    if (waits) may_end.wait();
    was_run = true;
  }
  void finished() override {
    ++deliveries;
    if (fails) throw std::runtime_error("the test's own");
  }

  bool waits = false, fails = false;
  Gate started, may_end;
  std::atomic<bool> was_run{false};
  int deliveries = 0;
};

}  // namespace

TEST_CASE("tasks of a merge pool are run, and delivered on the owner's thread", "[merge_pool]") {
  std::atomic<int> wakes{0};
  std::vector<Task> tasks(50);
  MergePool pool(3, [&] { ++wakes; });
  for (Task& task : tasks) pool.submit(task);
  REQUIRE(eventually([&] {
    pool.deliver();
    return std::all_of(tasks.begin(), tasks.end(), [](const Task& task) { return task.deliveries == 1; });
  }));
  CHECK(wakes >= 1);
  // Each may come again.
  pool.submit(tasks[0], true);
  CHECK(eventually([&] {
    pool.deliver();
    return tasks[0].deliveries == 2;
  }));
}

TEST_CASE("a task that is taken back is not delivered, and was run or was not", "[merge_pool]") {
  Task running, waiting, urgent, outside;
  running.waits = true;
  MergePool pool(1, [] {});
  pool.submit(running);
  REQUIRE(running.started.wait());
  pool.submit(waiting);
  pool.submit(urgent, true);
  CHECK_FALSE(pool.withdraw(waiting));
  CHECK_FALSE(pool.withdraw(outside));
  running.may_end.open();
  CHECK(pool.withdraw(running));
  REQUIRE(eventually([&] {
    pool.deliver();
    return urgent.deliveries == 1;
  }));
  CHECK_FALSE(waiting.was_run);
  CHECK(running.deliveries + waiting.deliveries + outside.deliveries == 0);
}

TEST_CASE("what is urgent is run before what waits", "[merge_pool]") {
  Task first, second, urgent;
  first.waits = second.waits = urgent.waits = true;
  MergePool pool(1, [] {});
  pool.submit(first);
  REQUIRE(first.started.wait());
  pool.submit(second);
  pool.submit(urgent, true);
  first.may_end.open();
  CHECK(urgent.started.wait());
  CHECK_FALSE(second.was_run);
  urgent.may_end.open();
  second.may_end.open();
  CHECK(second.started.wait());
}

TEST_CASE("a pool whose owner cannot be woken, or fails, delivers all the same", "[merge_pool]") {
  std::atomic<int> calls{0};
  std::vector<Task> tasks(4);
  tasks[0].fails = true;
  MergePool pool(1, [&] {
    if (++calls < 3) throw std::bad_alloc();
  });
  for (Task& task : tasks) pool.submit(task);
  REQUIRE(eventually([&] { return calls >= 3; }));
  int failures = 0;
  CHECK(eventually([&] {
    try {
      pool.deliver();
    } catch (const std::runtime_error&) {
      ++failures;
    }
    return std::all_of(tasks.begin(), tasks.end(), [](const Task& task) { return task.deliveries == 1; });
  }));
  CHECK(failures == 1);
}

TEST_CASE("a merge pool that ends leaves what waits, and finishes what is running", "[merge_pool]") {
  Task running;
  std::vector<Task> waiting(3);
  {
    MergePool pool(2, [] {});
    pool.submit(running);
    REQUIRE(running.started.wait());
  }
  CHECK(running.was_run);
  CHECK(running.deliveries == 0);
}

TEST_CASE("one thread alone averages shared weights as the plain average does, wherever it begins",
          "[merge_pool]") {
  constexpr std::size_t kWeights = 1000;
  const auto other = random_weights(kWeights, 2);
  for (const double weight : {0.0, 0.25, 0.9, 1.0}) {
    for (const std::size_t first : {std::size_t{0}, std::size_t{16}, kWeights - 1, kWeights}) {
      auto plain = random_weights(kWeights, 1), shared = plain;
      plain[3] = shared[3] = -0.0F;
      std::vector<float> result(kWeights), copy(kWeights);
      average_finite(plain, other, weight);
      average_shared(shared, other, weight, result, first);
      read_shared(shared, copy);
      CHECK(same_bits(shared, plain));
      CHECK(same_bits(result, plain));
      CHECK(same_bits(copy, plain));
    }
  }
}
