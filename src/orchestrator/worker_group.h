#pragma once

// Processes or threads that run the workers, behind one interface.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/forked_process.h"

namespace genkidama {

/// The workers of one machine, started at construction and ended at destruction. Nothing but end() blocks.
class WorkerGroup {
 public:
  virtual ~WorkerGroup() = default;
  /// Why nobody can look after the workers any more, if that is so.
  virtual std::optional<std::string> broken() = 0;
  /// How this worker's present process ended; nothing while it lives or is being started.
  virtual std::optional<Ending> ended(int worker) const = 0;
  /// Whether replace() is possible.
  virtual bool can_replace() const = 0;
  /// Kills the worker's present process, if it still lives, and starts another.
  virtual void replace(int worker) = 0;
  /// Whether a process was asked for that is not there yet.
  virtual bool is_starting(int worker) const = 0;
  /// Waits until all have ended by themselves; those still there at the deadline are killed where that can be
  /// done.
  virtual void end(Deadline deadline) = 0;
  /// Process ids, or nothing for threads. From any thread.
  virtual std::vector<int> pids() const = 0;
};

/// What worker `index` runs; `lead_alive` is for waits.
using WorkerBody = std::function<void(int index, const std::function<bool()>& lead_alive)>;

/// `on_end` is called, in some process, when a worker's process has ended.
std::unique_ptr<WorkerGroup> start_workers(WorkerMode mode, int workers, const WorkerBody& body,
                                           const std::function<void()>& on_end);

}  // namespace genkidama
