#pragma once

/// @file
/// A Parent's run: the sockets work on a thread of their own; this one writes files and evaluates.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/progress.h"
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
  void announce() const;
  std::string serve();
  ParentStatus take_merges(Milliseconds span);
  void record(const MergeRecord& merge, const ParentStatus& status);
  bool is_target_reached();
  ProgressState progress_state(const ParentStatus& status) const;

  const Settings settings_;
  CoreOrchestrator& evaluator_;
  RunFiles files_;
  std::uint64_t earlier_steps_;
  std::map<std::string, std::uint64_t> episodes_of_child_;
  std::vector<float> final_weights_;
  UpdateQueue queue_;
  std::unique_ptr<Parent> parent_;
  std::deque<double> recent_returns_;
  bool evaluation_due_ = false;
};

}  // namespace genkidama::cli
