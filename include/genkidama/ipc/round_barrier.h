#pragma once

/// @file
/// The barrier of the thesis (section 4.6). All workers meet there at the very beginning and at the end of
/// every round. Then the lead process works alone (exchange, checkpoint), and then all workers go on.

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/ipc/shared_array.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Names a worker for messages: index 1 of 4 workers is "worker 2 of 4". Indices count from 0, and names
/// count from 1.
std::string worker_name(int index, int workers);

/// Semaphores in shared memory between one lead and its workers, which are processes or threads.
///
/// A semaphore is posted and waited on but never held, so a process that is killed at any moment leaves
/// nothing locked. A wait sleeps in the kernel and has a deadline. Make the barrier before the fork. The
/// lead's object owns the semaphores and must outlive the workers.
///
/// The lead sees after wait_for_all() everything that a worker wrote before arrive(). The workers see after
/// wait_for_release() everything that the lead wrote before release().
///
/// A worker that has died may be replaced at any time by a process with the same index, once the old process
/// is surely gone. If has_arrived(), the new process waits for the release. Otherwise it plays the round and
/// arrives.
class RoundBarrier {
 public:
  /// How a worker's wait ended.
  enum class Release {
    kGo,       ///< the worker plays the next round
    kClosed,   ///< the training is over, and the worker ends
    kTimedOut  ///< the deadline passed; the worker may wait again
  };

  /// Makes a barrier for `workers` workers. Throws ArgumentError when there is less than one, and IoError
  /// when the system has not enough memory.
  explicit RoundBarrier(int workers);
  ~RoundBarrier();
  RoundBarrier(const RoundBarrier&) = delete;
  RoundBarrier& operator=(const RoundBarrier&) = delete;

  /// How many workers meet here.
  int workers() const { return workers_; }

  // A worker calls these. They throw ArgumentError unless 0 <= worker < workers().

  /// Tells the lead that this worker is at the barrier. A second call before the release changes nothing.
  void arrive(int worker);
  /// Sleeps until the lead releases this worker, the barrier is closed, or the deadline passes. Call it after
  /// arrive(), and again after kTimedOut if you like.
  Release wait_for_release(int worker, Deadline deadline);

  // The lead calls these.

  /// How the lead's wait ended.
  struct Arrival {
    bool complete = false;   ///< every worker is at the barrier
    bool timed_out = false;  ///< the deadline passed
    /// Why the wait was not complete: the workers that were missing at the deadline, or the text that
    /// `find_problem` returned, or that the barrier was closed. Empty when the wait was complete.
    std::string problem;
  };
  /// Sleeps until all workers have arrived. At least twice a second it calls `find_problem`, which returns
  /// nothing or a text that names a dead worker. Such a text ends the wait, and so does close(). Without
  /// `find_problem` a dead worker is noticed at the deadline only.
  Arrival wait_for_all(Deadline deadline, const std::function<std::optional<std::string>()>& find_problem);
  /// Lets every worker go on. Call it only after a complete wait_for_all().
  void release();
  /// Makes every present and future wait of the workers return kClosed. Any thread of the lead may call it,
  /// and so may a signal handler.
  void close();
  /// Makes wait_for_all() look for arrivals and call `find_problem` now. Any process may call it.
  void wake_lead();

  // Both may call this.

  /// Whether `worker`, or the process that it replaced, has arrived since the last release.
  bool has_arrived(int worker) const;
  /// Whether close() was called.
  bool is_closed() const;

 private:
  struct Slot;    // one per worker
  struct Shared;  // one for all
  Slot& slot_of(int worker) const;
  bool all_arrived() const;
  std::string missing_workers() const;

  int workers_;
  pid_t owner_;  // the process that made it
  SharedMapping memory_;
  Shared* shared_ = nullptr;
  Slot* slots_ = nullptr;
};

}  // namespace genkidama
