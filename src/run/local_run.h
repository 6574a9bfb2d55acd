#pragma once

/// @file
/// A run of this machine's CoreOrchestrator, for TrainerRun and ChildRun alike.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "run/metrics/recent_mean.h"
#include "run/run_files.h"
#include "run/scale_warning.h"
#include "run/state/resumed_session.h"

namespace genkidama::run {

/// Whether the program was told to stop before anybody had played a step: that is no update.
inline bool is_nothing(const RoundReport& round) {
  return round.cut_short && round.steps_in_round == 0 && round.optimizer_steps == 0;
}

class LocalRun {
 public:
  /// Restores a resumed run into `trainer`, or into `saved`, which saves and restores the trainer with
  /// whatever else the run's state has. `observer` may be nullptr. `columns` are added to metrics.csv. Throws
  /// as RunFiles.
  LocalRun(CoreOrchestrator& trainer, RunOptions options, RunObserver* observer,
           const std::string& kind = run_kind::kTrainer, const std::vector<std::string>& columns = {},
           Saveable* saved = nullptr);

  /// Does `work`, which plays rounds and records them. When the trainer is told to give up in it, the run
  /// ends as what it was before the round that was given up; whatever else is thrown ends the run as failed,
  /// and is thrown again once summary.json says so. The first call makes up for what the resumed run was
  /// stopped in the middle of, before `work`.
  void attempt(const std::function<void()>& work);

  /// Whether the run is over; asks RunOptions::end_reason.
  bool is_over();
  /// Ends a run that is not over yet.
  void end(const std::string& reason) {
    if (!ended_by_) ended_by_ = reason;
  }
  /// Why it is over; empty while it goes on.
  const std::optional<std::string>& ended_by() const { return ended_by_; }
  std::string end_reason() const { return files_->end_reason(); }

  /// Takes note of a round: metrics, the policy's average, evaluations, checkpoints, observer. Throws Error
  /// when learning has diverged.
  void record(const RoundReport& round, const std::vector<std::string>& fields = {});

  const RunTotals& totals() const { return files_->totals(); }
  const RunFiles& files() const { return *files_; }
  /// Of the policy file that the run begins with; without components: none.
  const RunningStatistics& first_statistics() const { return first_statistics_; }
  RunProgress progress() const;
  /// What else observers are told of the progress.
  void tell_progress(std::function<void(RunProgress&)> complete) { complete_progress_ = std::move(complete); }
  RunObserver& observer() const { return files_->observer(); }
  /// Nothing unless a state was resumed.
  const std::optional<ResumedSession>& resumed_session() const { return resumed_session_; }
  /// Of a Child, all its processes together: kept in the state.
  void count_exchanges(std::uint64_t exchanges, std::uint64_t reconnects) {
    files_->count_exchanges(exchanges, reconnects);
  }
  void keep_session(const ChildSessionState& session) { session_ = session; }

  /// Ends a run that is not over yet by `reason`, and finishes it as RunFiles::finish().
  RunSummary finish(const std::string& reason, const nlohmann::ordered_json& extra);

 private:
  /// What the trainer is doing when it gives up.
  enum class Phase {
    kPlaying,    ///< a round, or nothing yet
    kRecording,  ///< an evaluation: the trainer is as it was after the round
    kGivenUp,    ///< nothing any more: it stands in the middle of a round
  };

  void restore(RunState&& state);
  void make_up();
  void give_up();
  RunSummary finish_over(const nlohmann::ordered_json& extra);
  void remember_round();
  PolicySnapshot snapshot() const { return {latest_, average_}; }
  FillState fill_state() const;

  CoreOrchestrator& trainer_;
  Saveable& saved_;
  std::unique_ptr<RunFiles> files_;
  PolicyAverage average_;
  RecentMean recent_returns_;
  ScaleWarning scale_warning_;
  std::optional<std::string> ended_by_;
  Phase phase_ = Phase::kPlaying;
  bool begun_ = false;
  // As they were after the last round. The state only when rounds are so long that one may be given up.
  std::vector<float> latest_;
  std::optional<SavedState> latest_state_;
  Clock::time_point round_began_;
  ChildSessionState session_;
  std::optional<ResumedSession> resumed_session_;
  RunningStatistics first_statistics_;
  std::function<void(RunProgress&)> complete_progress_;
};

}  // namespace genkidama::run
