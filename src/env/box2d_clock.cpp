#include "env/box2d_clock.h"

#include <box2d/b2_timer.h>
#include <sys/time.h>

#include <utility>

namespace {

constinit thread_local bool stopped = false;

}  // namespace

// These take the place of Box2D's own functions of the same names: a program's symbols go before those of its
// shared libraries, and before those of a static library's member that nothing else asks for. Weak, so that
// they give way where Box2D's own are linked in already.

[[gnu::weak, gnu::visibility("default")]] b2Timer::b2Timer() {
  Reset();
}

[[gnu::weak, gnu::visibility("default")]] void b2Timer::Reset() {
  timeval now{};
  if (!stopped) ::gettimeofday(&now, nullptr);
  m_start_sec = static_cast<unsigned long long>(now.tv_sec);
  m_start_usec = static_cast<unsigned long long>(now.tv_usec);
}

[[gnu::weak, gnu::visibility("default")]] float b2Timer::GetMilliseconds() const {
  if (stopped) return 0;
  timeval now{};
  ::gettimeofday(&now, nullptr);
  const auto seconds = static_cast<double>(now.tv_sec) - static_cast<double>(m_start_sec);
  const auto microseconds = static_cast<double>(now.tv_usec) - static_cast<double>(m_start_usec);
  return static_cast<float>(1e3 * seconds + 1e-3 * microseconds);
}

namespace genkidama {

WithoutBox2dClock::WithoutBox2dClock() : outer_(std::exchange(stopped, true)) {}

WithoutBox2dClock::~WithoutBox2dClock() {
  stopped = outer_;
}

}  // namespace genkidama
