#include <sys/mman.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "genkidama/core/error.h"
#include "genkidama/ipc/replay_buffer.h"
#include "support/catch.h"
#include "support/child_process.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr int kSize = 8;

void store_numbered(ReplayBuffer& buffer, int core, std::uint64_t number) {
  const int n = static_cast<int>(number % 1000000);
  std::vector<float> observation(kSize), next(kSize);
  for (int i = 0; i < kSize; ++i) {
    observation[i] = static_cast<float>(n + i);
    next[i] = static_cast<float>(n + i + 1);
  }
  const float action = static_cast<float>(n);
  buffer.store(core,
               {observation, {&action, 1}, static_cast<float>(2 * n), next, n % 2 == 1, n / 2 % 2 == 1});
}

/// Rows whose fields do not belong together.
int torn_rows(const TransitionBatch& batch) {
  int torn = 0;
  for (std::size_t row = 0; row < batch.size(); ++row) {
    const int n = static_cast<int>(batch.actions[row]);
    bool whole = batch.rewards[row] == static_cast<float>(2 * n) && batch.terminated[row] == n % 2 &&
                 batch.truncated[row] == n / 2 % 2;
    for (int i = 0; i < kSize; ++i) {
      whole = whole && batch.observations[row * kSize + i] == static_cast<float>(n + i) &&
              batch.next_observations[row * kSize + i] == static_cast<float>(n + i + 1);
    }
    torn += whole ? 0 : 1;
  }
  return torn;
}

struct Seen {
  int torn = 0;
  int gaps = 0;
  bool went_on = false;  ///< rows were overwritten while they were read
};

/// Reads in all ways while somebody writes core 0.
Seen read_while_written(const ReplayBuffer& buffer) {
  Seen seen;
  Random random(4);
  while (buffer.stored(0) < buffer.capacity()) std::this_thread::yield();
  const std::uint64_t before = buffer.stored(0);
  for (int i = 0; i < 3000; ++i) {
    seen.torn += torn_rows(buffer.sample_with_replacement(random, 8));
    seen.torn += torn_rows(buffer.sample_without_replacement(random, 2));
    const TransitionBatch in_order = buffer.in_time_order(0, buffer.capacity());
    seen.torn += torn_rows(in_order);
    for (std::size_t row = 1; row < in_order.size(); ++row) {
      if (in_order.actions[row] != std::fmod(in_order.actions[row - 1] + 1, 1000000.0f)) ++seen.gaps;
    }
  }
  // On one processor the writer may need the reader to pause.
  while (buffer.stored(0) == before) std::this_thread::yield();
  seen.went_on = true;
  return seen;
}

}  // namespace

TEST_CASE("a row overwritten by another thread is never read half old, half new") {
  ReplayBuffer buffer(1, 4, kSize);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint64_t number = 0; !stop; ++number) store_numbered(buffer, 0, number);
  });
  const Seen seen = read_while_written(buffer);
  stop = true;
  writer.join();
  REQUIRE(seen.torn == 0);
  REQUIRE(seen.gaps == 0);
  REQUIRE(seen.went_on);
}

TEST_CASE("a row overwritten by another process is never read half old, half new") {
  ReplayBuffer buffer(1, 4, kSize);
  ChildProcess writer([&] {
    for (std::uint64_t number = 0;; ++number) store_numbered(buffer, 0, number);
    return 0;
  });
  const Seen seen = read_while_written(buffer);
  writer.kill(SIGKILL);
  REQUIRE(writer.wait() == "signal 9");
  REQUIRE(seen.torn == 0);
  REQUIRE(seen.gaps == 0);
  REQUIRE(seen.went_on);
  // Wherever it was killed, what can be read is whole.
  Random random(6);
  REQUIRE(torn_rows(buffer.sample_without_replacement(random, buffer.size())) == 0);
  REQUIRE(buffer.size() >= 3);
}

namespace {

/// A worker that dies in the middle of storing: the second number of its observation is in a page that cannot
/// be read.
void store_and_die(ReplayBuffer& buffer, int core) {
  ChildProcess writer([&] {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const pages = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return 1;
    auto* const observation = reinterpret_cast<float*>(static_cast<std::byte*>(pages) + page) - 1;
    *observation = 12345.0f;
    if (::mprotect(static_cast<std::byte*>(pages) + page, page, PROT_NONE) != 0) return 2;
    const std::vector<float> action{0}, next(kSize);
    buffer.store(core, {std::span<const float>(observation, kSize), action, 0, next, false, false});
    return 3;
  });
  REQUIRE(writer.wait() == "signal " + std::to_string(SIGSEGV));
}

}  // namespace

TEST_CASE("a worker killed in the middle of storing spoils one row, which is left out") {
  ReplayBuffer buffer(2, 4, kSize);
  for (std::uint64_t number = 0; number < 6; ++number) store_numbered(buffer, 0, number);
  store_and_die(buffer, 0);
  REQUIRE(buffer.stored(0) == 6);
  REQUIRE(buffer.size(0) == 3);
  REQUIRE(buffer.in_time_order(0, 4).actions == std::vector<float>{3, 4, 5});
  Random random(5);
  REQUIRE(torn_rows(buffer.sample_with_replacement(random, 300)) == 0);
  REQUIRE(torn_rows(buffer.sample_without_replacement(random, 3)) == 0);
  REQUIRE_THROWS_AS(buffer.sample_without_replacement(random, 4), ArgumentError);
  // The other cores are not concerned.
  store_numbered(buffer, 1, 50);
  REQUIRE(buffer.size() == 4);
  REQUIRE(torn_rows(buffer.sample_without_replacement(random, 4)) == 0);
  // Another worker takes over.
  store_numbered(buffer, 0, 6);
  REQUIRE(buffer.size(0) == 4);
  REQUIRE(buffer.in_time_order(0, 4).actions == std::vector<float>{3, 4, 5, 6});
}

namespace {

/// The mappings of one page, which are those of small SharedArrays.
std::vector<void*> small_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::vector<void*> found;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:genkidama") == std::string::npos) continue;
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::istringstream(line) >> std::hex >> begin >> dash >> end;
    if (end - begin != static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE))) continue;
    found.push_back(reinterpret_cast<void*>(begin));
  }
  return found;
}

}  // namespace

TEST_CASE("a worker killed between a row and its counter leaves a whole row, which is kept") {
  // Only the counters fit into a page, and of them a store writes only how many rows there are.
  ReplayBuffer buffer(1, 2000, kSize);
  for (std::uint64_t number = 0; number < 6; ++number) store_numbered(buffer, 0, number);
  ChildProcess writer([&] {
    const auto counters = small_mappings();
    if (counters.empty()) return 1;
    for (void* const each : counters) {
      if (::mprotect(each, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), PROT_READ) != 0) return 2;
    }
    store_numbered(buffer, 0, 6);
    return 3;
  });
  REQUIRE(writer.wait() == "signal " + std::to_string(SIGSEGV));
  REQUIRE(buffer.stored(0) == 6);
  // Another worker takes over. Were it to write that row again, a reader in the middle of it could not tell.
  store_numbered(buffer, 0, 7);
  REQUIRE(buffer.stored(0) == 8);
  REQUIRE(buffer.in_time_order(0, 4).actions == std::vector<float>{4, 5, 6, 7});
  Random random(5);
  REQUIRE(torn_rows(buffer.sample_without_replacement(random, 8)) == 0);
}

TEST_CASE("a worker killed in the middle of its first store leaves nothing to read") {
  ReplayBuffer buffer(1, 4, kSize);
  store_and_die(buffer, 0);
  REQUIRE(buffer.size() == 0);
  REQUIRE(buffer.in_time_order(0, 4).size() == 0);
  store_numbered(buffer, 0, 0);
  REQUIRE(buffer.size() == 1);
}

TEST_CASE("a buffer whose only row is spoiled says that there is nothing to draw") {
  ReplayBuffer buffer(1, 1, kSize);
  store_numbered(buffer, 0, 0);
  store_and_die(buffer, 0);
  Random random(1);
  REQUIRE(buffer.size() == 0);
  REQUIRE_THROWS_AS(buffer.sample_with_replacement(random, 1), ArgumentError);
  REQUIRE_THROWS_AS(buffer.sample_without_replacement(random, 1), ArgumentError);
}
