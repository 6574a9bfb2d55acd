#pragma once

/// @file
/// The files of one run, opened, and the totals that they tell.

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"
#include "genkidama/run/run_totals.h"
#include "run/directory/policy_snapshot.h"
#include "run/directory/run_directory.h"
#include "run/directory/run_lock.h"
#include "run/evaluation/run_evaluator.h"
#include "run/metrics/metrics_table.h"
#include "run/metrics/tensorboard_log.h"
#include "run/state/checkpointer.h"
#include "run/state/run_state.h"

namespace genkidama::run {

struct OpenedRun;

/// Puts together who writes what; each file is the business of one of them. The directory is locked against
/// other processes for as long as the object lives.
class RunFiles {
 public:
  /// What a run is, beside its options.
  struct Kind {
    std::string name;                  ///< one of run_kind
    std::vector<std::string> columns;  ///< of metrics.csv, as MetricsTable has them
    Saveable* saved = nullptr;         ///< restored from the state of a resumed run: who learns, or a Parent
  };

  /// Makes the directory, config.json and the tables; a resumed run's state is read and handed over.
  /// `trainer` plays the evaluations; it and `observer` must outlive the files; nullptr: nobody is told.
  /// Throws IoError; FormatError for a table with other columns; ArgumentError for options out of range, for
  /// the state of another network, for states of which none can be read, or when another process is at work
  /// in the directory.
  static OpenedRun open(RunOptions options, CoreOrchestrator& trainer, RunObserver* observer,
                        const Kind& kind);

  /// As given, with the directory that was chosen.
  const RunOptions& options() const { return options_; }
  const RunDirectory& directory() const { return directory_; }
  RunObserver& observer() const { return observer_; }
  /// Whether this is a run that was begun by an earlier process.
  bool goes_on() const { return goes_on_; }
  /// As of the last update; wall_seconds and worker_restarts as of now after now().
  const RunTotals& totals() const { return totals_; }
  /// The totals with this moment's wall_seconds and worker_restarts.
  const RunTotals& now();
  /// Why the run must end now; empty while it may go on.
  std::string end_reason() const { return options_.end_reason ? options_.end_reason() : ""; }
  /// Share of the run that is done, if it has an end.
  std::optional<double> done() const;
  RunInfo info(RunProgress progress) const;

  /// An update was made: `totals` after it, but for wall_seconds and worker_restarts, and its row.
  /// `recent_return` as MetricsTable::append().
  void record(const RunTotals& totals, const std::vector<std::string>& fields,
              std::optional<double> recent_return);
  /// A Child's counts, which change between two updates too.
  void count_exchanges(std::uint64_t exchanges, std::uint64_t reconnects);

  /// Throws Error, with diverged_text(), unless the weights after this update are sound. Ask before they are
  /// used or written.
  void check(std::span<const float> weights) const;
  /// What a user must know when learning has diverged; `what` as find_divergence().
  std::string diverged_text(std::uint64_t update, const std::string& what) const;
  /// The same when the program's merge rule has failed; `kept`: a state of the present update is there.
  std::string merge_rule_text(const std::string& failure, bool kept) const;

  bool is_checkpoint_due() { return checkpoints_.is_due(now()); }
  bool is_state_due() { return checkpoints_.is_state_due(now().wall_seconds); }
  /// What a policy file of the snapshot holds.
  Checkpoint policy(const PolicySnapshot& snapshot) const {
    return policy_file(snapshot, checkpoints_.origin(), options_, totals_);
  }
  /// As Checkpointer::write(); whether everything was written.
  bool checkpoint(const PolicySnapshot& snapshot, const FillState& fill);
  /// As Checkpointer::complete().
  void complete_checkpoint(const PolicySnapshot& snapshot) { checkpoints_.complete(snapshot, totals_); }

  /// Ask once after each update; `returns` are those of the latest training episodes.
  bool is_evaluation_due(const RecentMean& returns) { return evaluations_->is_due(totals_.updates, returns); }
  bool is_evaluation_missing() const { return evaluations_->is_missing(); }
  /// As RunEvaluator::evaluate_update(); what ends the run now, "target" or "patience", or nothing.
  std::optional<std::string> evaluate(const PolicySnapshot& snapshot);
  /// What ends the run without another evaluation: "cloned", "updates", "max_steps" or "patience", or
  /// nothing.
  std::optional<std::string> reached_end() const;

  /// Final policy, state, final evaluation (not after RunOptions::end_reason) and summary.json; `extra` is
  /// added to it. `influence` is a Parent's.
  RunSummary finish(const std::string& ended_by, const PolicySnapshot& snapshot, const FillState& fill,
                    const nlohmann::ordered_json& extra, std::vector<ChildInfluence> influence = {});

  /// In a catch block: writes the summary.json of a run that failed and throws the exception again, a
  /// WorkerError with the last checkpoint in its text. The checkpoints stay as they are.
  [[noreturn]] void fail();

 private:
  RunFiles(RunOptions options, CoreOrchestrator& trainer, RunObserver& observer, const Kind& kind,
           OpenedRun& opened);

  std::string config_text() const;
  void write_config() const;
  /// A Parent does not.
  bool learns() const { return kind_ != run_kind::kParent; }
  /// Fills in what the run's files know too.
  FillState with_own(const FillState& fill);
  void sync_tables();
  /// For TensorBoard; `prefix` tells an evaluation during the run from that at its end.
  void tell_evaluation(const EvaluationStatistics& statistics, const std::string& prefix);
  void tell(const Checkpointer::Written& written);
  void write_failure(const std::string& error);

  const RunOptions options_;
  RunObserver& observer_;
  const std::string kind_;  // one of run_kind
  CoreOrchestrator& trainer_;
  const RunDirectory directory_;
  bool goes_on_ = false;
  bool cloned_ = false;  // by this process, before the first round
  std::unique_ptr<RunLock> lock_;
  RunTotals totals_;
  double earlier_seconds_ = 0;          // of earlier processes
  std::uint64_t earlier_restarts_ = 0;  // of earlier processes
  Clock::time_point started_ = Clock::now();
  Checkpointer checkpoints_;
  std::unique_ptr<TensorBoardLog> events_;  // nullptr: none is wanted
  std::unique_ptr<MetricsTable> metrics_;
  std::unique_ptr<RunEvaluator> evaluations_;
};

/// The files, and what a resumed run goes on from: it is as large as the replay buffer, and lives no longer
/// than it takes to restore it.
struct OpenedRun {
  std::unique_ptr<RunFiles> files;
  std::optional<RunState> state;
  PolicyAverage average;  ///< the one that the options ask for, gone on with where there is a state
  /// Of the policy file that the run begins with; the trainer has them already. Without components: none.
  RunningStatistics first_statistics;
};

}  // namespace genkidama::run
