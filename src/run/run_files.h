#pragma once

/// @file
/// What every training command leaves behind, and when it is over.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/params/policy_average.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/run_options.h"
#include "run/directory/run_directory.h"
#include "run/directory/run_lock.h"
#include "run/directory/thinning.h"
#include "run/evaluation/evaluation.h"
#include "run/metrics/csv_file.h"
#include "run/metrics/recent_mean.h"
#include "run/run_observer.h"
#include "run/state/run_state.h"

namespace genkidama::run {

/// How much of a run is over, in [0, 1], if it has an end that can be counted.
std::optional<double> share_of_run(const RunOptions& options, std::uint64_t updates, std::uint64_t steps);

/// What learning has come to after an update.
struct Learnt {
  std::span<const float> weights;  ///< those that learning goes on with
  const PolicyAverage& average;    ///< of them over time
  const Saveable* trainer;         ///< SavedState() at a Parent; without one no state can be written
  const RecentMean& recent_returns;
  std::string children{};       ///< a Parent's ChildCounters as text
  ChildSessionState session{};  ///< a Child's

  /// What is evaluated and kept for use.
  std::span<const float> policy() const { return average.weights_or(weights); }
};

/// The files of one run and its totals. Its directory is locked against other processes.
class RunFiles {
 public:
  /// Makes the directory, config.json and the tables; a resumed run reads its state. `trainer` plays the
  /// evaluations and must outlive this. `columns` follow update, environment_steps, wall_seconds and
  /// steps_per_second in metrics.csv. Throws IoError and, for the state of another network, for states of
  /// which none can be read, or when another process is at work in the directory, ArgumentError.
  RunFiles(RunOptions options, CoreOrchestrator& trainer, RunObserver& observer, bool learns,
           const std::vector<std::string>& columns);

  RunTotals totals;  ///< wall_seconds: of earlier processes

  /// What was read for --resume, or nothing: a run that was killed before its first checkpoint begins again.
  const std::optional<RunState>& resumed() const { return resumed_; }
  /// Hands it over, so that a state as large as the replay buffer lives no longer than it takes to restore
  /// it. Afterwards resumed() is nothing and first_average() empty: ask them before.
  std::optional<RunState> take_resumed() { return std::exchange(resumed_, std::nullopt); }
  /// As given, with the directory that was chosen.
  const RunOptions& options() const { return options_; }
  const RunDirectory& directory() const { return directory_; }
  /// Whether this is a run that was begun by an earlier process.
  bool goes_on() const { return goes_on_; }
  /// Why the run must end now; empty while it may go on.
  std::string end_reason() const { return options_.end_reason ? options_.end_reason() : ""; }
  /// What the policy's average starts as: the resumed run's if it was of the same kind, else nothing yet.
  PolicyAverage first_average() const;
  double wall_seconds() const;

  /// A row of the present update, unless it is one that is left out (is_row_kept()) and not the last one.
  void append_metrics(const std::vector<std::string>& fields);

  /// Throws Error, with diverged_text(), unless the weights after this update are sound. Ask before they are
  /// used or written.
  void check(std::span<const float> weights) const;
  /// What a user must know when learning has diverged; `what` as find_divergence().
  std::string diverged_text(std::uint64_t update, const std::string& what) const;
  /// The same when the program's merge rule has failed; `kept`: a state of the present update is there.
  std::string merge_rule_text(const std::string& failure, bool kept) const;

  /// The state and, by the number of the update, the policy. A failure is logged, once until it works again,
  /// and leaves the earlier files. Whether they were written.
  bool checkpoint(const Learnt& learnt);
  bool is_checkpoint_due() const { return is_policy_due() || is_state_due(); }
  /// Whether --checkpoint-seconds have passed since the last state; less while the run is young.
  bool is_state_due() const;
  /// Writes what a kill between the state and the policy of one checkpoint has left out. Before the first
  /// update of this process.
  void complete_checkpoint(const Learnt& learnt);

  /// Evaluates `average`, or `weights` while there is none, and keeps it if it is the best so far and
  /// RunOptions::evaluate_every is given. True when RunOptions::target is reached. The trainer's own weights
  /// are afterwards what they were before. Throws as CoreOrchestrator::evaluate().
  bool evaluate_policy(std::span<const float> weights, const PolicyAverage& average);
  /// Whether the run that goes on was stopped in the middle of an evaluation.
  bool is_evaluation_missing() const { return evaluates() && evaluation_missing_; }
  bool is_evaluation_due() const {
    return evaluates() && totals.updates % options_.evaluate_every.value_or(kEvaluateEvery) == 0;
  }

  /// "updates" or "max_steps" when the totals have got there.
  std::optional<std::string> reached_limit() const;
  /// Share of the run that is done, if it has an end.
  std::optional<double> done() const {
    return share_of_run(options_, totals.updates, totals.environment_steps);
  }

  /// Workers started again, those of earlier processes included.
  std::uint64_t worker_restarts() const;

  /// Final policy, state, final evaluation (not after a signal) and summary.json; `extra` is added to it.
  RunSummary finish(const std::string& ended_by, const Learnt& learnt,
                    const nlohmann::ordered_json& extra = nlohmann::ordered_json::object());

  /// In a catch block: writes the summary.json of a run that failed and throws the exception again, a
  /// WorkerError with the last checkpoint in its text. The checkpoints stay as they are.
  [[noreturn]] void fail();

 private:
  static constexpr std::uint64_t kEvaluateEvery = 100;

  void write_row(const std::vector<std::string>& fields);
  std::string config_text() const;
  void read_resumed();
  bool is_policy_due() const { return is_policy_kept(options_, totals.updates); }
  bool write_final(const Learnt& learnt);
  void write_policy(const std::filesystem::path& path, const Learnt& learnt);
  Checkpoint policy_file(std::span<const float> weights, const PolicyAverage& average) const;
  bool evaluates() const { return options_.target || options_.evaluate_every; }
  void read_best();
  void keep_best(double mean, Checkpoint policy);
  void write_state(const Learnt& learnt);
  std::string last_checkpoint_text() const;
  nlohmann::ordered_json summary(const std::string& ended_by) const;
  bool write_summary(const nlohmann::ordered_json& summary);
  void write_failure(const std::string& error);
  EvaluationStatistics evaluate(std::span<const float> policy, int episodes, std::uint64_t seed);

  const RunOptions options_;
  RunObserver& observer_;
  const bool learns_;
  bool goes_on_ = false;
  RunDirectory directory_;
  std::unique_ptr<RunLock> lock_;
  CoreOrchestrator& trainer_;
  std::optional<RunState> resumed_;        // until it is taken
  std::filesystem::path last_checkpoint_;  // empty: none yet
  std::unique_ptr<CsvFile> metrics_;
  std::unique_ptr<CsvFile> evaluations_;
  Clock::time_point started_;
  Clock::time_point last_state_;
  bool evaluation_missing_ = false;
  std::optional<double> best_mean_;  // of the policy in best.safetensors
  bool checkpoints_fail_ = false;
  std::vector<std::string> left_out_;  // the present update's, if it got no row
  double last_row_seconds_ = 0;
  std::uint64_t last_row_steps_ = 0;
};

}  // namespace genkidama::run
