#pragma once

// The nursery's own process: forks workers, reaps them, and tells the lead.

#include <csignal>
#include <functional>
#include <span>

#include "orchestrator/nursery_mailbox.h"

namespace genkidama {

class NurseryProcess {
 public:
  /// `failed_forks`: a zero for each worker, made before the fork: this process must not need memory. `body`
  /// and `on_end` as in Nursery.
  NurseryProcess(NurseryMailbox& mailbox, std::span<WorkerSlot> slots,
                 const std::function<void(int, const std::function<bool()>&)>& body,
                 const std::function<void()>& on_end, std::span<int> failed_forks) noexcept;

  /// Works until the lead closes the mailbox or ends. Nothing may unwind into the code of the lead, of which
  /// this process is a copy.
  [[noreturn]] void work(pid_t lead, bool forked_by_main_thread) noexcept;

 private:
  void listen_to_deaths();
  void reap();
  /// Whether a worker that is wanted could not be started yet.
  bool start_wanted();
  /// False when the start shall be tried again.
  bool start(std::size_t index, std::uint32_t number);
  [[noreturn]] void become_worker(std::size_t index, pid_t nursery);

  NurseryMailbox& mailbox_;
  std::span<WorkerSlot> slots_;
  const std::function<void(int, const std::function<bool()>&)>& body_;
  const std::function<void()>& on_end_;
  std::span<int> failed_forks_;  // in a row, of each worker
  // As the lead had them; workers get them back.
  struct sigaction lead_on_child_ {};
  struct sigaction lead_on_usr1_ {};
  sigset_t lead_mask_{};
};

}  // namespace genkidama
