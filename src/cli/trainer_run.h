#pragma once

/// @file
/// A run of this machine's CoreOrchestrator, for `train` and `child` alike.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/progress.h"
#include "cli/recent_mean.h"
#include "cli/run_files.h"

namespace genkidama::cli {

/// The trainer as the settings say. Forks: before any thread.
std::unique_ptr<CoreOrchestrator> make_trainer(const Job& job, int workers);

class TrainerRun {
 public:
  /// Restores a resumed run into `trainer`. `columns` are added to metrics.csv. Throws as RunFiles.
  TrainerRun(const Job& job, CoreOrchestrator& trainer, std::vector<std::string> columns = {});

  /// Why the run is over: "updates", "max_steps", "target", "signal"; nothing while it goes on.
  const std::optional<std::string>& ended_by();

  /// Takes note of a round: metrics, the policy's average, evaluations, checkpoints, progress. Throws Error
  /// when learning has diverged.
  void record(const RoundReport& round, const std::vector<std::string>& fields = {});

  /// As RunFiles.
  int finish(const std::string& ended_by,
             const nlohmann::ordered_json& extra = nlohmann::ordered_json::object());
  [[noreturn]] void fail() { files_.fail(); }

 private:
  std::vector<float> weights() const;
  ProgressState progress_state() const;

  CoreOrchestrator& trainer_;
  RunFiles files_;
  PolicyAverage average_;
  RecentMean recent_returns_;
  std::optional<std::string> ended_by_;
  std::unique_ptr<Progress> progress_;
};

}  // namespace genkidama::cli
