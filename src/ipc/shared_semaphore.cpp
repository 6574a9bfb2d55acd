#include "ipc/shared_semaphore.h"

#include <fmt/format.h>
#include <time.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include "genkidama/core/error.h"

namespace genkidama {

void make_semaphore(sem_t& semaphore) {
  if (::sem_init(&semaphore, /*pshared=*/1, 0) != 0) {
    throw IoError(fmt::format("cannot make a shared semaphore: {}", std::generic_category().message(errno)));
  }
}

void sleep_until(sem_t& semaphore, Clock::time_point time) {
  const auto since_epoch = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  timespec until{};
  until.tv_sec = static_cast<time_t>(seconds.count());
  until.tv_nsec = static_cast<long>(std::chrono::nanoseconds(since_epoch - seconds).count());
  // std::chrono::steady_clock is CLOCK_MONOTONIC, which nobody can set.
  ::sem_clockwait(&semaphore, CLOCK_MONOTONIC, &until);
}

void drain(sem_t& semaphore) {
  while (::sem_trywait(&semaphore) == 0) {
  }
}

}  // namespace genkidama
