#pragma once

/// @file
/// The evaluations of a run: when they are due, evaluations.csv, and the best policy so far.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/evaluation.h"
#include "genkidama/run/run_options.h"
#include "genkidama/run/run_totals.h"
#include "run/directory/evaluation_progress.h"
#include "run/directory/policy_snapshot.h"
#include "run/directory/run_directory.h"
#include "run/metrics/csv_file.h"
#include "run/metrics/recent_mean.h"

namespace genkidama::run {

/// Updates between two evaluations where RunOptions::evaluate_every says nothing.
inline constexpr std::uint64_t kEvaluateEvery = 100;

class RunEvaluator {
 public:
  struct Outcome {
    EvaluationStatistics statistics;
    bool best = false;  ///< the best so far, and kept
  };

  /// `keep_until`: the update that a resumed run goes on from. The others must outlive this.
  RunEvaluator(const RunOptions& options, const RunDirectory& directory, CoreOrchestrator& trainer,
               std::optional<std::uint64_t> keep_until);

  /// Whether the policy after this update is to be evaluated. Ask once after each update. A run that only
  /// waits for its target evaluates also when the latest 20 of the training episodes, whose `returns` these
  /// are, came close to it: nine tenths of the way from the lowest such mean of the run.
  bool is_due(std::uint64_t update, const RecentMean& returns);
  /// Whether an evaluation was begun and not ended, also one of the run that is gone on with.
  bool is_missing() const { return (evaluates() || owes_) && missing_; }
  /// The policy that the run begins with is to be evaluated, whether the run evaluates any other or not.
  void owe() { owes_ = missing_ = true; }
  /// For the state, and from it.
  bool missing() const { return missing_; }
  const EvaluationProgress& progress() const { return progress_; }
  void resume(const EvaluationProgress& progress, bool missing) {
    progress_ = progress;
    missing_ = missing;
  }
  /// Whether RunOptions::patience is used up.
  bool is_patience_over() const {
    return options_.patience && progress_.without_improvement >= *options_.patience;
  }
  /// The policy in best.safetensors, if there is one.
  const std::optional<BestPolicy>& best() const { return best_; }

  /// Evaluates the policy on new episodes, and keeps it when it is the best so far and
  /// RunOptions::evaluate_every or patience is given. `wall_seconds` is asked when the episodes have been
  /// played. The trainer's own weights are afterwards what they were before. Throws as
  /// CoreOrchestrator::evaluate(); the evaluation is missing then.
  Outcome evaluate_update(const PolicySnapshot& snapshot, const RunTotals& totals,
                          const std::function<double()>& wall_seconds);
  /// The same for the end of a run; nothing is kept.
  EvaluationStatistics evaluate_final(std::span<const float> policy);

  /// As CsvFile::sync().
  void sync() { table_.sync(); }

 private:
  bool keeps_best() const { return options_.evaluate_every || options_.patience; }
  bool evaluates() const { return options_.target || keeps_best(); }
  bool only_waits_for_target() const { return options_.target && !keeps_best(); }
  bool is_regular(std::uint64_t update) const;
  /// Whether the policy may have reached the target; ask after each update.
  bool is_promising(const RecentMean& returns);
  void count(double mean);
  /// `may_end_early`: after 20 episodes, when their mean is more than two standard errors below the target.
  EvaluationStatistics play(std::span<const float> policy, int episodes, std::uint64_t seed,
                            bool may_end_early = false);
  EvaluationStatistics play_episodes(const EvaluationRequest& request, bool may_end_early);
  void read_best();
  bool keep_best(double mean, const PolicySnapshot& snapshot, const RunTotals& totals);

  const RunOptions& options_;
  const RunDirectory& directory_;
  CoreOrchestrator& trainer_;
  CsvFile table_;
  bool missing_ = false;
  bool owes_ = false;
  EvaluationProgress progress_;
  std::optional<BestPolicy> best_;
};

}  // namespace genkidama::run
