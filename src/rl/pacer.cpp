#include "rl/pacer.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace genkidama {
namespace {

constexpr Milliseconds kSlice{100};

}  // namespace

Pacer::Pacer(double steps_per_second) {
  if (steps_per_second > 0) {
    period_ =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / steps_per_second));
  }
}

void Pacer::wait(const std::function<bool()>& goes_on) {
  if (!is_set()) return;
  auto now = Clock::now();
  while (now < due_ && goes_on()) {
    std::this_thread::sleep_until(std::min(due_, now + kSlice));
    now = Clock::now();
  }
  // A little late is made up for, so that the mean is right; more is not.
  due_ = now - due_ < period_ ? due_ + period_ : now + period_;
}

}  // namespace genkidama
