#pragma once

/// @file
/// Whoever wants to know what happens in a run.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "run/evaluation/evaluation.h"
#include "run/state/run_state.h"

namespace genkidama::run {

/// How far a run is.
struct ProgressState {
  std::uint64_t updates = 0;
  std::uint64_t environment_steps = 0;
  std::optional<double> mean_return;    ///< of the latest episodes
  std::optional<double> done;           ///< share of the run, in [0, 1]; nothing when it has no end
  std::optional<std::size_t> children;  ///< connected to a Parent
};

/// What a run came to.
struct RunSummary {
  std::filesystem::path directory;
  std::string ended_by;  ///< "updates", "max_steps", "target", or what RunOptions::end_reason said
  bool stopped = false;  ///< by RunOptions::end_reason, or during the final evaluation
  RunTotals totals;      ///< its wall_seconds are those of earlier processes
  double wall_seconds = 0;
  std::optional<double> target;  ///< RunOptions::target
  std::optional<EvaluationStatistics> final_evaluation;
  bool files_written = true;  ///< false: the log says which file could not be written
};

class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_start(const ProgressState&) {}
  /// After each update, and several times a second at a Parent.
  virtual void on_progress(const ProgressState&) {}
  virtual void on_end(const RunSummary&) {}
};

}  // namespace genkidama::run
