#pragma once

/// @file
/// A run on the terminal: its progress on standard error, what it came to on standard output.

#include <memory>

#include "cli/terminal/live_line.h"
#include "cli/terminal/progress.h"
#include "genkidama/core/clock.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/run_observer.h"

namespace genkidama::cli {

class RunDisplay : public run::RunObserver {
 public:
  void on_cloning(const run::CloningEvent& event) override;
  void on_start(const run::RunInfo& info) override;
  void on_update(const run::UpdateEvent& event) override { show(event.progress); }
  void on_evaluation(const run::EvaluationEvent& event) override;
  void on_wait(const run::RunProgress& progress) override { show(progress); }
  void on_end(const run::RunSummary& summary) override;

  /// Several times a second while a round or an evaluation goes on; shows those that last.
  void on_round(const RoundProgress& round);

 private:
  void show(const run::RunProgress& progress);

  std::unique_ptr<LiveLine> cloning_;  ///< while the policy is fitted to demonstrations
  bool cloned_ = false;
  std::unique_ptr<Progress> progress_;
  run::RunProgress latest_;
  Clock::time_point latest_at_;
};

}  // namespace genkidama::cli
