#include "cli/process/stop_signal.h"

#include <time.h>

#include <atomic>
#include <cstdint>

namespace genkidama::cli {
namespace {

std::atomic<int> g_signal{0};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

constexpr std::int64_t kPatience_ns = 600'000'000;
std::atomic<std::int64_t> g_signal_time_ns{0};

std::int64_t now_ns() {
  // A function that a signal handler may call, unlike those of <chrono>.
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void remember(int signal) {
  // The time first: whoever sees the mark asks for it.
  if (g_signal.load() == 0) g_signal_time_ns.store(now_ns());
  g_signal.store(signal);
}

void remember_end_of_starter(int) {
  remember(SIGTERM);
}

}  // namespace

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = remember_end_of_starter;
  action.sa_flags = SA_RESTART;
  sigaction(kStarterIsGone, &action, nullptr);
}

int stop_signal() {
  return g_signal.load();
}

bool stop_overdue() {
  return stop_signal() != 0 && now_ns() - g_signal_time_ns.load() > kPatience_ns;
}

void ignore_write_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace genkidama::cli
