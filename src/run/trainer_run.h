#pragma once

/// @file
/// A run of this machine's CoreOrchestrator, for `train` and `child` alike.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "run/metrics/recent_mean.h"
#include "run/run_files.h"
#include "run/scale_warning.h"

namespace genkidama::run {

/// A Child's session as the resumed state has it.
struct ResumedSession {
  ChildSessionState session;  ///< without a run_id where the Child had none
  MachineTime written;        ///< when the state was written
};

class TrainerRun {
 public:
  /// Restores a resumed run into `trainer`. `columns` are added to metrics.csv. Throws as RunFiles.
  TrainerRun(RunOptions options, CoreOrchestrator& trainer, RunObserver& observer,
             std::vector<std::string> columns = {});

  /// Makes up for what the resumed run was stopped in the middle of. Before the first round.
  void begin();

  /// Why the run is over: "updates", "max_steps", "target", "signal"; nothing while it goes on.
  const std::optional<std::string>& ended_by();

  /// Takes note of a round: metrics, the policy's average, evaluations, checkpoints, progress. Throws Error
  /// when learning has diverged.
  void record(const RoundReport& round, const std::vector<std::string>& fields = {});

  /// Those of earlier processes included.
  const RunTotals& totals() const { return files_.totals; }
  /// Nothing unless a state was resumed.
  const std::optional<ResumedSession>& resumed_session() const { return resumed_session_; }
  /// Of a Child, all its processes together: kept in the state.
  void count_exchanges(std::uint64_t exchanges, std::uint64_t reconnects);
  void keep_session(const ChildSessionState& session) { session_ = session; }

  /// The trainer has thrown StoppedError: the run ends with what it was before the round that was given up.
  void give_up();

  /// As RunFiles.
  RunSummary finish(const std::string& ended_by,
                    const nlohmann::ordered_json& extra = nlohmann::ordered_json::object());
  [[noreturn]] void fail() { files_.fail(); }

 private:
  void remember_round();
  Learnt learnt() const;
  std::vector<float> weights() const;
  ProgressState progress_state() const;

  CoreOrchestrator& trainer_;
  RunObserver& observer_;
  RunFiles files_;
  PolicyAverage average_;
  RecentMean recent_returns_;
  ScaleWarning scale_warning_;
  std::optional<std::string> ended_by_;
  // As they were after the last round. The state only when rounds are so long that one may be given up.
  std::vector<float> latest_;
  std::optional<TrainerState> latest_state_;
  Clock::time_point round_began_;
  bool recording_ = false;
  ChildSessionState session_;
  std::optional<ResumedSession> resumed_session_;
  bool in_round_ = false;  // one was given up
};

}  // namespace genkidama::run
