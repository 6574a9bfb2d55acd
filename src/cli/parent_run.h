#pragma once

/// @file
/// A Parent's run: the sockets work on a thread of their own; this one writes files and evaluates.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/merge_watch.h"
#include "cli/progress.h"
#include "cli/recent_mean.h"
#include "cli/run_files.h"
#include "cli/update_queue.h"
#include "genkidama/net/parent.h"

namespace genkidama::cli {

class ParentRun {
 public:
  /// `evaluator` has forked already; its weights are the initial ones unless a run is resumed. Throws as
  /// RunFiles and Parent.
  ParentRun(const Job& job, CoreOrchestrator& evaluator);

  /// Listens and dials until the run is over; returns the exit code.
  int run();

 private:
  /// On the Parent's own thread.
  void on_merge(const ParentUpdate& update);
  void announce() const;
  std::string serve();
  ParentStatus take_merges(Milliseconds span);
  /// Throws Error when learning has diverged, after what came before was recorded.
  void check_merges();
  void record(const MergeRecord& merge, const ParentStatus& status);
  bool is_target_reached();
  ProgressState progress_state(const ParentStatus& status) const;

  const Settings settings_;
  CoreOrchestrator& evaluator_;
  RunFiles files_;
  const std::uint64_t earlier_steps_;
  std::map<std::string, std::uint64_t> episodes_of_child_;
  std::vector<float> final_weights_;
  PolicyAverage final_average_;
  MergeWatch watch_;
  UpdateQueue queue_;
  std::unique_ptr<Parent> parent_;
  RecentMean recent_returns_;
  bool evaluation_due_ = false;
};

}  // namespace genkidama::cli
