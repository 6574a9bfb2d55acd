#pragma once

// The lead's side of the nursery: the process from which workers are forked, the first ones and those that
// take the place of a dead one.
//
// The nursery is forked before any thread and computes nothing, so whatever it forks finds what the first
// workers found: no lock that another thread held at that moment, no socket of the lead's, no used OpenMP
// pool, whatever the lead has done since. It is the workers' parent, so it also learns of their deaths at
// once. Lead and nursery talk through shared memory and a semaphore: no descriptor is needed.

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/ipc/shared_array.h"
#include "orchestrator/forked_process.h"
#include "orchestrator/nursery_mailbox.h"

namespace genkidama {

class Nursery {
 public:
  /// Forks the nursery, which starts the workers. `body` is what worker `index` runs in a process of its own;
  /// `lead_alive` is for its waits. `on_end` is called in the nursery's process when a worker has ended. May
  /// be called by any thread, also by one that ends before this object does. Throws IoError.
  Nursery(int workers, std::function<void(int index, const std::function<bool()>& lead_alive)> body,
          std::function<void()> on_end);
  /// As end() with a deadline that has passed.
  ~Nursery();
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  /// Kills the present process of this worker, if it still lives, and has another one started once it is
  /// gone. Does not wait for it.
  void replace(int worker);
  /// Whether a process of this worker was asked for and is not there yet.
  bool is_starting(int worker) const;
  /// How the present process of this worker ended; nothing while it lives or is being started.
  std::optional<Ending> ended(int worker) const;
  /// The worker's present or last process; 0 before the first. From any thread.
  int pid(int worker) const;
  /// What happened to the nursery itself, if it is no longer there.
  std::optional<std::string> broken();

  /// Waits until the workers have ended by themselves, kills those still there at the deadline, and ends the
  /// nursery.
  void end(Deadline deadline);

 private:
  bool any_alive() const;
  /// Whether the nursery is no longer there. Takes no memory, as an end must not.
  bool gone();

  const pid_t owner_;  // the process that made it
  SharedArray<NurseryMailbox> mailbox_;
  SharedArray<WorkerSlot> slots_;
  pid_t pid_ = -1;             // until it has been waited for
  pid_t late_pid_ = -1;        // afterwards
  std::optional<int> status_;  // then too: from waitpid(), if it was there to be waited for
};

}  // namespace genkidama
