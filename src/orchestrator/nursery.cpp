#include "orchestrator/nursery.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "core/output_streams.h"
#include "genkidama/core/error.h"
#include "ipc/shared_semaphore.h"
#include "orchestrator/forked_process.h"
#include "orchestrator/nursery_process.h"

namespace genkidama {
namespace {

// How long the nursery may take to kill the workers; then the nursery is killed, and the kernel kills its
// workers.
constexpr Milliseconds kEndTimeout{2'000};

}  // namespace

Nursery::Nursery(int workers, std::function<void(int, const std::function<bool()>&)> body,
                 std::function<void()> on_end)
    : owner_(::getpid()),
      mailbox_(1, "the nursery's mailbox"),
      slots_(static_cast<std::size_t>(workers), "the workers' processes") {
  make_semaphore(mailbox_[0].calls);
  std::vector<int> failed_forks(static_cast<std::size_t>(workers));
  const bool by_main_thread = is_main_thread();
  flush_output_streams();
  pid_ = ::fork();
  if (pid_ < 0) throw IoError(fmt::format("cannot start the workers: {}", std::strerror(errno)));
  if (pid_ > 0) return;
  NurseryProcess(mailbox_[0], slots_.span(), body, on_end, failed_forks).work(owner_, by_main_thread);
}

Nursery::~Nursery() {
  end(Deadline::after(Milliseconds{0}));
}

void Nursery::replace(int worker) {
  slots_[static_cast<std::size_t>(worker)].wanted.fetch_add(1, std::memory_order_release);
  ::sem_post(&mailbox_[0].calls);
}

bool Nursery::is_starting(int worker) const {
  const WorkerSlot& slot = slots_[static_cast<std::size_t>(worker)];
  return slot.started.load(std::memory_order_acquire) != slot.wanted.load(std::memory_order_relaxed);
}

std::optional<Ending> Nursery::ended(int worker) const {
  const WorkerSlot& slot = slots_[static_cast<std::size_t>(worker)];
  if (slot.ended.load(std::memory_order_acquire) != slot.wanted.load(std::memory_order_relaxed)) return {};
  if (slot.fork_error != 0) {
    return Ending{fmt::format("could not be started: {}", std::strerror(slot.fork_error)), false};
  }
  return ending_of(slot.status);
}

int Nursery::pid(int worker) const {
  return slots_[static_cast<std::size_t>(worker)].pid;
}

bool Nursery::gone() {
  if (pid_ <= 0) return true;
  int status = 0;
  const pid_t found = ::waitpid(pid_, &status, WNOHANG);
  // A program that ignores SIGCHLD has no children to wait for once they are gone.
  if (found != pid_ && !(found < 0 && errno == ECHILD)) return false;
  if (found == pid_) status_ = status;
  late_pid_ = std::exchange(pid_, -1);
  return true;
}

std::optional<std::string> Nursery::broken() {
  if (!gone()) return std::nullopt;
  return fmt::format("the process that starts the workers (pid {}) {}", late_pid_,
                     status_ ? ending_of(*status_).text : "has ended");
}

bool Nursery::any_alive() const {
  for (const WorkerSlot& slot : slots_.span()) {
    if (slot.is_alive()) return true;
  }
  return false;
}

void Nursery::end(Deadline deadline) {
  if (::getpid() != owner_) return;  // a copy in a process that somebody forked
  while (!gone() && any_alive() && !deadline.passed()) std::this_thread::sleep_for(Milliseconds{2});
  mailbox_[0].closing.store(true, std::memory_order_release);
  ::sem_post(&mailbox_[0].calls);
  const Deadline end_by = Deadline::after(kEndTimeout);
  while (!gone() && !end_by.passed()) std::this_thread::sleep_for(Milliseconds{1});
  if (gone()) return;
  ::kill(pid_, SIGKILL);
  while (!gone()) std::this_thread::sleep_for(Milliseconds{1});
}

}  // namespace genkidama
