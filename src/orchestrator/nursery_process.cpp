#include "orchestrator/nursery_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "core/output_streams.h"
#include "genkidama/core/clock.h"
#include "ipc/shared_semaphore.h"
#include "orchestrator/forked_process.h"

namespace genkidama {
namespace {

// The nursery looks around this often even if nobody calls it.
constexpr Milliseconds kSlice{1'000};
// A machine that is out of processes or memory for a moment must not end a run.
constexpr Milliseconds kForkPause{200};
constexpr int kForkAttempts = 25;

// Of this process: what SIGCHLD posts.
sem_t* calls_of_this_process = nullptr;

}  // namespace

NurseryProcess::NurseryProcess(NurseryMailbox& mailbox, std::span<WorkerSlot> slots,
                               const std::function<void(int, const std::function<bool()>&)>& body,
                               const std::function<void()>& on_end, std::span<int> failed_forks) noexcept
    : mailbox_(mailbox), slots_(slots), body_(body), on_end_(on_end), failed_forks_(failed_forks) {
  ::sigaction(SIGCHLD, nullptr, &lead_on_child_);
  ::sigaction(SIGUSR1, nullptr, &lead_on_usr1_);
  ::sigprocmask(SIG_BLOCK, nullptr, &lead_mask_);
}

void NurseryProcess::work(pid_t lead, bool forked_by_main_thread) noexcept {
  end_with_parent(lead, forked_by_main_thread);
  listen_to_deaths();
  while (true) {
    reap();
    if (mailbox_.closing.load(std::memory_order_acquire)) break;
    const bool waiting = start_wanted();
    sleep_on(mailbox_.calls, Deadline::after(waiting ? kForkPause : kSlice));
    drain(mailbox_.calls);
  }
  for (WorkerSlot& slot : slots_) {
    if (slot.is_alive()) ::kill(slot.pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(-1, &status, 0) > 0 || errno == EINTR) {
  }
  ::_exit(0);
}

void NurseryProcess::listen_to_deaths() {
  calls_of_this_process = &mailbox_.calls;
  struct sigaction on_death {};
  on_death.sa_handler = [](int) {
    const int kept = errno;
    ::sem_post(calls_of_this_process);
    errno = kept;
  };
  ::sigaction(SIGCHLD, &on_death, nullptr);
  sigset_t deaths;
  ::sigemptyset(&deaths);
  ::sigaddset(&deaths, SIGCHLD);
  ::sigprocmask(SIG_UNBLOCK, &deaths, nullptr);
}

void NurseryProcess::reap() {
  bool any = false;
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    for (WorkerSlot& slot : slots_) {
      if (!slot.is_alive() || slot.pid != pid) continue;
      slot.status = status;
      slot.fork_error = 0;
      slot.ended.store(slot.started, std::memory_order_release);
      any = true;
    }
  }
  if (any) on_end_();
}

bool NurseryProcess::start_wanted() {
  bool waiting = false;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    WorkerSlot& slot = slots_[i];
    const std::uint32_t wanted = slot.wanted.load(std::memory_order_acquire);
    if (wanted == slot.started) continue;
    if (slot.is_alive()) {
      ::kill(slot.pid, SIGKILL);  // its end will call
      continue;
    }
    if (!start(i, wanted)) waiting = true;
  }
  return waiting;
}

bool NurseryProcess::start(std::size_t index, std::uint32_t number) {
  WorkerSlot& slot = slots_[index];
  const pid_t nursery = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become_worker(index, nursery);
  if (pid > 0) {
    failed_forks_[index] = 0;
    slot.pid = pid;
    slot.started.store(number, std::memory_order_release);
    return true;
  }
  const int reason = errno;
  if (++failed_forks_[index] < kForkAttempts) return false;
  failed_forks_[index] = 0;
  slot.fork_error = reason;
  slot.started.store(number, std::memory_order_release);
  slot.ended.store(number, std::memory_order_release);
  on_end_();
  return true;
}

void NurseryProcess::become_worker(std::size_t index, pid_t nursery) {
  ::sigaction(SIGCHLD, &lead_on_child_, nullptr);
  ::sigaction(SIGUSR1, &lead_on_usr1_, nullptr);
  ::sigprocmask(SIG_SETMASK, &lead_mask_, nullptr);
  end_with_parent(nursery, /*forked_by_main_thread=*/true);
  slots_[index].pid = ::getpid();  // it may be at the barrier before the nursery is on its feet again
  body_(static_cast<int>(index), [nursery] { return ::getppid() == nursery; });
  flush_output_streams();
  ::_exit(0);  // no destructors: what they would end belongs to the lead
}

}  // namespace genkidama
