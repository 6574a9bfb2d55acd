#include "ipc/shared_mutex.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mutex>
#include <thread>
#include <vector>

#include "genkidama/ipc/shared_array.h"
#include "support/catch.h"

using namespace genkidama;

TEST_CASE("a mutex in shared memory lets one thread or process in at a time", "[forks]") {
  constexpr int kTimes = 20'000;
  const SharedArray<SharedMutex> mutex(1, "mutex");
  const SharedArray<long> sum(1, "sum");
  const auto count = [&] {
    for (int i = 0; i < kTimes; ++i) {
      const std::lock_guard lock(mutex[0]);
      sum[0] += 1;
    }
  };
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    count();
    ::_exit(0);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back(count);
  for (auto& thread : threads) thread.join();
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  CHECK(sum[0] == 3 * kTimes);
}

TEST_CASE("a mutex whose holder was killed goes to the next one, again and again", "[forks]") {
  const SharedArray<SharedMutex> mutex(1, "mutex");
  for (int i = 0; i < 3; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      mutex[0].lock();
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    mutex[0].lock();
    mutex[0].unlock();
  }
}
