#pragma once

/// @file
/// Runs a sweep: some processes at a time, until its schedule is over.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/run/sweep.h"
#include "run/process/spawned_process.h"
#include "run/search/step_budget.h"
#include "run/sweep/result_book.h"
#include "run/sweep/results.h"
#include "run/sweep/run_list.h"
#include "run/sweep/schedule.h"

namespace genkidama::run {

class SweepRunner {
 public:
  /// What is handed in must outlive it. `runs`: all that the directory may hold. `lock` stays open in every
  /// process that is started.
  SweepRunner(const SweepOptions& options, SweepObserver& observer, RunList& runs, SweepSchedule& schedule,
              const StepBudget& budget, int lock);

  SweepSummary run();

 private:
  enum class Step { kTrain, kEvaluate };
  struct Task {
    DueRun due;
    Step step;
    bool whole;                  ///< trained from the start, to the end
    std::uint64_t steps_before;  ///< that the run had taken when this began
    Clock::time_point started;
    EvaluationMark before;  ///< the evaluation
    std::unique_ptr<SpawnedProcess> process;
  };

  /// Nothing when there is something left to do.
  std::optional<RunOutcome> outcome_of(const DueRun& due) const;
  void start(const DueRun& due);
  /// `taken`: the steps that the run has taken before.
  void train(const DueRun& due, bool resume, std::uint64_t taken);
  void start_evaluation(Task& task);
  /// Looks whether it has ended; true when nothing of it is left to do.
  bool advance(Task& task);
  bool look_after(Task& task);
  void complete(const Task& task);
  void fail(const DueRun& due, const std::string& what);
  void write_tables();
  void end_all();
  SweepSummary summary() const;

  bool is_stopped();
  EvaluationRequest evaluation_of(const SweepRun& run) const;
  std::unique_ptr<SpawnedProcess> spawn(const SweepRun& run, const SweepProcess& process) const;
  SweepProgress progress() const;
  std::optional<double> seconds_left() const;
  std::optional<double> seconds_left_of_steps(std::uint64_t expected) const;

  const SweepOptions& options_;
  SweepObserver& observer_;
  RunList& runs_;
  SweepSchedule& schedule_;
  const StepBudget& budget_;
  ResultBook book_;
  std::vector<Task> tasks_;
  std::size_t done_ = 0;
  bool stopped_ = false;
  std::vector<double> run_seconds_;         // of whole runs with their evaluations
  std::vector<double> evaluation_seconds_;  // of evaluations alone
  Clock::time_point started_ = Clock::now();
  std::uint64_t steps_at_start_ = 0;
  std::vector<std::string> failures_;
  int lock_;
};

}  // namespace genkidama::run
