#include "orchestrator/fork_rule.h"

#include <fmt/format.h>

#include "core/thread_count.h"
#include "genkidama/core/log.h"

namespace genkidama {
namespace {

thread_local int knows_of_no_lock = 0;

}  // namespace

NoLockIsHeld::NoLockIsHeld() {
  ++knows_of_no_lock;
}

NoLockIsHeld::~NoLockIsHeld() {
  --knows_of_no_lock;
}

void warn_if_threads_are_running() {
  if (knows_of_no_lock > 0) return;
  const int threads = thread_count();
  if (threads <= 1) return;
  log(LogLevel::kWarning,
      "CoreOrchestrator is made in a process with {} threads, and forks it: a lock that another thread holds "
      "at that "
      "moment stays locked in the workers for ever. Make the CoreOrchestrator before any thread is started",
      threads);
}

std::string late_construction(const std::string& what, Clock::duration limit, int threads_at_fork) {
  const double seconds = std::chrono::duration<double>(limit).count();
  if (threads_at_fork > 1) {
    return fmt::format(
        "{} within {:g} s; nothing was trained. The likely cause: threads that held locks when the process "
        "was forked. "
        "It had {} threads; make the CoreOrchestrator before any thread is started",
        what, seconds, threads_at_fork);
  }
  return fmt::format(
      "{} within {:g} s; nothing was trained. If the set-up is just slow, a larger construction_timeout "
      "allows for it",
      what, seconds);
}

}  // namespace genkidama
