#include "genkidama/run/stop_signal.h"

#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "run/process/abrupt_end.h"

namespace genkidama::run {
namespace {

std::atomic<int> g_signal{0};
std::atomic<unsigned> g_seen{0};  // a bit for each signal
std::atomic<void (*)()> g_restore{nullptr};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

// Between the two a round that is cut has time for the step and the learning that it is in.
constexpr std::int64_t kRoundPatience_ns = 300'000'000;
constexpr std::int64_t kPatience_ns = 1'000'000'000;
// timeout(1) and some supervisors send one signal to the process and again to its group. Nobody who wants an
// end at once asks a second time as soon as that.
constexpr std::int64_t kSameWish_ns = 200'000'000;
std::atomic<std::int64_t> g_signal_time_ns{0};

std::int64_t now_ns() {
  // A function that a signal handler may call, unlike those of <chrono>.
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void remember(int signal) {
  // The time first: it is asked for as soon as the mark is there.
  if (g_signal.load() == 0) g_signal_time_ns.store(now_ns());
  g_signal.store(signal);
}

void install(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

[[noreturn]] void end_at_once(int signal) {
  if (void (*const restore)() = g_restore.load()) restore();
  // The default action first, so that the process that waits for this one sees the signal.
  install(signal, SIG_DFL);
  sigset_t unblocked;
  sigemptyset(&unblocked);
  sigaddset(&unblocked, signal);
  raise(signal);
  sigprocmask(SIG_UNBLOCK, &unblocked, nullptr);
  // Process 1 of a container is still here.
  _exit(128 + signal);
}

bool is_older_than(std::int64_t patience_ns) {
  return g_signal.load() != 0 && now_ns() - g_signal_time_ns.load() > patience_ns;
}

void remember_or_end(int signal) {
  const unsigned bit = 1U << signal;
  if ((g_seen.fetch_or(bit) & bit) != 0) {
    if (!is_older_than(kSameWish_ns)) return;
    end_at_once(signal);
  }
  remember(signal);
}

void remember_end_of_starter(int) {
  remember(SIGTERM);
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void at_abrupt_end(void (*restore)()) {
  g_restore.store(restore);
}

void catch_stop_signals() {
  static const bool installed = [] {
    install(SIGINT, remember_or_end);
    install(SIGTERM, remember_or_end);
    if (!is_ignored(SIGHUP)) install(SIGHUP, remember_or_end);
    install(kStarterIsGone, remember_end_of_starter);
    return true;
  }();
  static_cast<void>(installed);
}

int stop_signal() {
  return g_signal.load();
}

std::string end_reason() {
  return stop_signal() != 0 ? "signal" : "";
}

bool round_overdue() {
  return is_older_than(kRoundPatience_ns);
}

bool stop_overdue() {
  return is_older_than(kPatience_ns);
}

}  // namespace genkidama::run
