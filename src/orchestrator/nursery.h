#pragma once

// The process from which workers are forked: the first ones and those that take the place of one that died.
//
// It is forked before any thread and computes nothing, so whoever it forks finds what the first workers
// found: no lock that another thread held at that moment, no socket of the lead's, no used OpenMP pool,
// whatever the lead has done since. It is the workers' parent, so it also learns of their deaths, at once.
// Lead and nursery talk through shared memory and a semaphore: no descriptor is needed.

#include <semaphore.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/ipc/shared_array.h"

namespace genkidama {

class Nursery {
 public:
  /// `body` is what worker `index` runs in a process of its own; `lead_alive` is for its waits. `on_end` is
  /// called in the nursery's process when a worker has ended. Forks, and has the workers started. Throws
  /// IoError.
  Nursery(int workers, std::function<void(int index, const std::function<bool()>& lead_alive)> body,
          std::function<void()> on_end);
  /// As end() without patience.
  ~Nursery();
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  /// Kills the present process of this worker, if it still lives, and has another one started once it is
  /// gone. Does not wait for it.
  void replace(int worker);
  /// Whether a process of this worker was asked for and is not there yet.
  bool is_starting(int worker) const;
  /// How the present process of this worker ended, in words; nothing while it lives or is being started.
  std::optional<std::string> ended(int worker) const;
  /// The worker's present or last process; 0 before the first. From any thread.
  int pid(int worker) const;
  /// What happened to the nursery itself, if it is no longer there.
  std::optional<std::string> broken();

  /// Waits until the workers have ended by themselves, kills those still there at the deadline, and ends the
  /// nursery.
  void end(Deadline deadline);

 private:
  struct Desk {
    sem_t calls;  ///< to the nursery: something is to be done
    std::atomic<bool> closing{false};
  };
  // A worker's processes are numbered from 1.
  struct Place {
    std::atomic<std::uint32_t> wanted{1};   ///< lead: the process that shall be there
    std::atomic<std::uint32_t> started{0};  ///< nursery: the last one that was forked
    std::atomic<std::uint32_t> ended{0};    ///< nursery: the last one that is gone, after the fields below
    std::atomic<int> pid{0};                ///< of the last one that was forked; it writes this too
    std::atomic<int> status{0};             ///< from waitpid()
    std::atomic<int> fork_error{0};         ///< errno when it could not be forked, else 0
  };
  class Attendant;
  bool any_alive() const;
  /// Whether the nursery is no longer there. Takes no memory, as an end must not.
  bool gone();

  const pid_t owner_;  // the process that made it
  SharedArray<Desk> desk_;
  SharedArray<Place> places_;
  pid_t pid_ = -1;             // until it has been waited for
  pid_t late_pid_ = -1;        // afterwards
  std::optional<int> status_;  // then too: from waitpid(), if it was there to be waited for
};

/// How a process ended, in words, from what waitpid() says.
std::string ending_of(int status);

/// For a process just forked: it is killed when its parent, or the thread of it that forked, ends however
/// that comes, and leaves the terminal's and the service manager's signals to the lead, which ends it in
/// order.
void live_and_die_with(pid_t parent);

}  // namespace genkidama
