#pragma once

// What the lead and the nursery tell each other, in shared memory.

#include <semaphore.h>

#include <atomic>
#include <cstdint>

namespace genkidama {

/// From the lead to the nursery.
struct NurseryMailbox {
  sem_t calls;  ///< posted when something is to be done
  std::atomic<bool> closing{false};
};

/// One worker's processes, which are numbered from 1.
struct WorkerSlot {
  std::atomic<std::uint32_t> wanted{1};   ///< lead: the process that shall be there
  std::atomic<std::uint32_t> started{0};  ///< nursery: the last process that was forked
  std::atomic<std::uint32_t> ended{0};    ///< nursery: the last process that is gone, after the fields below
  std::atomic<int> pid{0};                ///< of the last process that was forked; that process writes it too
  std::atomic<int> status{0};             ///< from waitpid()
  std::atomic<int> fork_error{0};         ///< errno when the process could not be forked, else 0

  bool is_alive() const { return ended < started; }
};

}  // namespace genkidama
