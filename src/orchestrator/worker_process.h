#pragma once

// Processes and threads that run the workers, behind one interface.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/orchestrator/core_orchestrator.h"

namespace genkidama {

/// The workers of one machine, started at construction and ended at destruction.
class WorkerGroup {
 public:
  virtual ~WorkerGroup() = default;
  /// A text that names a worker that has ended or died, if there is one. Never blocks.
  virtual std::optional<std::string> find_dead() = 0;
  /// Waits until all have ended by themselves; those still there at the deadline are killed where that can be
  /// done.
  virtual void end(Deadline deadline) = 0;
  /// Process ids, or nothing for threads.
  virtual std::vector<int> pids() const = 0;
};

/// What worker `index` runs; `lead_alive` is for waits.
using WorkerBody = std::function<void(int index, const std::function<bool()>& lead_alive)>;

std::unique_ptr<WorkerGroup> start_workers(WorkerMode mode, int workers, const WorkerBody& body);

/// For a process just forked: it is killed when its lead ends however that comes, and leaves the terminal's
/// and the service manager's signals to the lead, which ends it in order.
void live_and_die_with_lead();

}  // namespace genkidama
