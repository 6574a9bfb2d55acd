#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/ipc/priority_tree.h"
#include "support/catch.h"
#include "support/child_process.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

double sum_of_leaves(const PriorityTree& tree) {
  double sum = 0;
  for (std::size_t i = 0; i < tree.size(); ++i) sum += tree.get(i);
  return sum;
}

}  // namespace

TEST_CASE("a priority tree sums its leaves and finds each by its mass") {
  for (const std::size_t leaves : {1u, 2u, 16u, 17u, 256u, 257u, 5000u}) {
    PriorityTree tree(leaves);
    CHECK(tree.size() == leaves);
    CHECK(tree.total() == 0);
    // Whole numbers, so that sums are exact.
    for (std::size_t i = 0; i < leaves; ++i) tree.set(i, static_cast<float>(i % 7));
    CHECK(tree.total() == static_cast<float>(sum_of_leaves(tree)));
    float before = 0;
    for (std::size_t i = 0; i < leaves; ++i) {
      const float priority = tree.get(i);
      CHECK(priority == static_cast<float>(i % 7));
      if (priority > 0) {
        CHECK(tree.find(before) == i);
        CHECK(tree.find(before + priority - 0.5f) == i);
      }
      before += priority;
    }
  }
}

TEST_CASE("a mass beyond the sum finds the last leaf that has a priority") {
  PriorityTree tree(100);
  tree.set(3, 1);
  tree.set(40, 2);
  CHECK(tree.find(3) == 40);
  CHECK(tree.find(1e9f) == 40);
}

TEST_CASE("leaves are found in proportion to their priorities") {
  PriorityTree tree(1000);
  tree.set(7, 1);
  tree.set(500, 3);
  tree.set(999, 4);
  Random random(1);
  std::vector<int> found(1000);
  const int draws = 80'000;
  for (int i = 0; i < draws; ++i) ++found[tree.find(static_cast<float>(random.uniform()) * tree.total())];
  CHECK(found[7] + found[500] + found[999] == draws);
  CHECK(std::abs(found[7] - draws / 8) < 500);
  CHECK(std::abs(found[500] - 3 * draws / 8) < 800);
}

TEST_CASE("priorities that are negative or not finite are refused and change nothing") {
  PriorityTree tree(10);
  tree.set(4, 2);
  for (const float bad : {-1.0f, -1e-30f, std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    CHECK_THROWS_AS(tree.set(4, bad), ArgumentError);
    CHECK(tree.get(4) == 2);
    CHECK(tree.total() == 2);
  }
  CHECK_THROWS_AS(tree.set(10, 1), ArgumentError);
  CHECK_THROWS_AS(tree.get(10), ArgumentError);
  CHECK_THROWS_AS(PriorityTree(0), ArgumentError);
}

TEST_CASE("sums are right after threads have written neighbouring leaves at once") {
  PriorityTree tree(300);
  const auto write = [&tree](std::size_t first) {
    Random random(first);
    for (int i = 0; i < 20'000; ++i)
      tree.set(first + 2 * static_cast<std::size_t>(random.below(150)), static_cast<float>(random.below(9)));
  };
  std::thread other(write, 0);
  write(1);
  other.join();
  CHECK(tree.total() == static_cast<float>(sum_of_leaves(tree)));
}

TEST_CASE("what a process killed while it wrote leaves behind can be drawn from and is mended") {
  for (int attempt = 0; attempt < 20; ++attempt) {
    PriorityTree tree(5000);
    SharedArray<std::atomic<int>> written(1, "test");
    ChildProcess writer([&] {
      Random random(static_cast<std::uint64_t>(attempt));
      while (true) {
        tree.set(static_cast<std::size_t>(random.below(5000)), static_cast<float>(random.below(9)));
        ++written[0];
      }
      return 0;
    });
    while (written[0] < 1000 + 37 * attempt) std::this_thread::yield();
    writer.kill(SIGKILL);
    CHECK(writer.wait() == "signal 9");
    Random random(1);
    for (int i = 0; i < 1000; ++i) {
      const std::size_t leaf = tree.find(static_cast<float>(random.uniform()) * tree.total());
      REQUIRE(leaf < tree.size());
    }
    tree.rebuild();
    CHECK(tree.total() == static_cast<float>(sum_of_leaves(tree)));
  }
}
