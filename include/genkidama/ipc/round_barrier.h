#pragma once

/// @file
/// The barrier of the thesis (section 4.6): all workers meet at the very beginning and at every episode's
/// end, then the lead process works alone (exchange, checkpoint), then all go on.

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/ipc/shared_array.h"

namespace GENKIDAMA_EXPORT genkidama {

/// "worker 2 of 4" for index 1: indices count from 0, what users read from 1.
std::string worker_name(int index, int workers);

/// Semaphores in shared memory between one lead and its workers (processes or threads).
///
/// A semaphore is only ever posted or waited on, never held, so a process killed at any moment leaves nothing
/// locked. Waiting sleeps in the kernel, with a deadline. Create before the fork; the lead's object owns the
/// semaphores and must outlive the workers. Everything a worker wrote before arrive() is visible to the lead
/// after wait_for_all() and everything the lead wrote before release() to the workers after
/// wait_for_release().
///
/// A worker that died may be replaced at any time, by a process with the same index, once it is surely gone:
/// if has_arrived(), the new one waits for the release, else it plays the round and arrives.
class RoundBarrier {
 public:
  /// How a worker's wait ended.
  enum class Release {
    kGo,       ///< play the next round
    kClosed,   ///< the training is over: end
    kTimedOut  ///< the deadline passed; it may wait again
  };

  /// `workers` >= 1; throws ArgumentError otherwise, IoError without memory.
  explicit RoundBarrier(int workers);
  ~RoundBarrier();
  RoundBarrier(const RoundBarrier&) = delete;
  RoundBarrier& operator=(const RoundBarrier&) = delete;

  /// How many workers meet here.
  int workers() const { return workers_; }

  // For a worker; its index is 0 <= worker < workers(), ArgumentError otherwise.
  /// Tells the lead that this worker is at the barrier. Once more before the release changes nothing.
  void arrive(int worker);
  /// After arrive(): sleeps until the lead releases this worker, the barrier is closed, or the deadline
  /// passes. May be called again after kTimedOut.
  Release wait_for_release(int worker, Deadline deadline);

  // For the lead.
  /// How the lead's wait ended.
  struct Arrival {
    bool complete = false;   ///< every worker is at the barrier
    bool timed_out = false;  ///< the deadline passed; `problem` names the workers that were missing
    std::string problem;     ///< else: what `find_problem` said, or that the barrier was closed
  };
  /// Sleeps until all workers have arrived. At least twice a second asks `find_problem`, which returns a text
  /// that names a dead worker, or nothing; a problem ends the wait, and so does close(). Without
  /// `find_problem` only the deadline tells of a dead worker.
  Arrival wait_for_all(Deadline deadline, const std::function<std::optional<std::string>()>& find_problem);
  /// Lets every worker go. Only after wait_for_all() was complete.
  void release();
  /// Makes every present and future wait of the workers return kClosed. Any thread of the lead, or a signal
  /// handler.
  void close();
  /// Makes wait_for_all() look and ask `find_problem` now. From any process.
  void wake_lead();

  // For both.
  /// Whether `worker`, or one whose place it took, has arrived since the last release.
  bool has_arrived(int worker) const;

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
