#pragma once

/// @file
/// A Parent's run: the sockets work on a thread of their own; this one writes files and evaluates.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/net/parent.h"
#include "run/directory/parent_identity.h"
#include "run/merge_watch.h"
#include "run/metrics/recent_mean.h"
#include "run/run_files.h"
#include "run/state/child_counters.h"
#include "run/update_queue.h"

namespace genkidama::run {

/// What a Parent's run is told beside RunOptions.
struct ParentRunOptions {
  /// run_id, epoch and first_update follow from the run directory.
  ParentOptions parent;
  /// Called with the bound ports once peers are listened to.
  std::function<void(const std::vector<std::uint16_t>&)> on_listening;
};

class ParentRun {
 public:
  /// `evaluator` has forked already; its weights are the initial ones unless a run is resumed. Throws as
  /// RunFiles and Parent.
  ParentRun(RunOptions run, ParentRunOptions options, CoreOrchestrator& evaluator, RunObserver& observer);

  /// Listens and dials until the run is over.
  RunSummary run();

 private:
  /// On the Parent's own thread.
  void on_merge(const ParentUpdate& update);
  void announce() const;
  std::string serve();
  ParentStatus take_merges(Milliseconds span);
  /// Throws Error when learning has diverged, after what came before was recorded.
  void check_merges();
  /// Throws Error when the program's merge rule has failed, after what came before was kept.
  void check_rule(const ParentStatus& status);
  void record(const MergeRecord& merge, const ParentStatus& status);
  /// Writes the state when it is due and nothing was merged since the last record; otherwise the next merge
  /// brings its weights.
  void keep_time();
  Learnt learnt(std::span<const float> weights, const PolicyAverage& average) const;
  bool is_target_reached();
  ProgressState progress_state(const ParentStatus& status) const;

  const ParentRunOptions options_;
  RunObserver& observer_;
  CoreOrchestrator& evaluator_;
  RunFiles files_;
  const std::uint64_t earlier_steps_;
  ChildCounters children_;
  const ParentIdentity identity_;
  std::vector<float> final_weights_;
  PolicyAverage final_average_;
  MergeWatch watch_;
  UpdateQueue queue_;
  std::unique_ptr<Parent> parent_;
  RecentMean recent_returns_;
  bool evaluation_due_ = false;
  std::uint64_t kept_update_ = 0;         // of the last state
  std::atomic<bool> weights_due_{false};  // the next merge's, for a state
};

}  // namespace genkidama::run
