#pragma once

/// @file
/// Runs a sweep: some processes at a time, until every run is done.

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/run/sweep.h"
#include "run/process/spawned_process.h"
#include "run/sweep/results.h"

namespace genkidama::run {

class SweepRunner {
 public:
  /// `runs`: all that the directory may hold; those of `due` (places in it) are to be done in this order.
  /// `lock` stays open in every process that is started.
  SweepRunner(const SweepOptions& options, SweepObserver& observer, std::vector<SweepRun> runs,
              const std::vector<std::size_t>& due, int lock);

  SweepSummary run();

 private:
  enum class Step { kTrain, kEvaluate };
  struct Task {
    std::size_t run;
    Step step;
    bool whole;  ///< trained from the start
    Clock::time_point started;
    EvaluationMark before;  ///< the evaluation
    std::unique_ptr<SpawnedProcess> process;
  };

  /// Takes what is finished and evaluated already out of the queue.
  void take_finished();
  void start_next();
  void train(std::size_t index, bool resume);
  void start_evaluation(Task& task);
  /// Looks whether it has ended; true when nothing of it is left to do.
  bool advance(Task& task);
  bool look_after(Task& task);
  void keep_result(std::size_t index);
  void complete(const Task& task);
  void fail(std::size_t index, const std::string& what);
  void write_tables();
  void end_all();
  SweepSummary summary() const;

  bool is_stopped();
  EvaluationRequest evaluation_of(const SweepRun& run) const;
  std::unique_ptr<SpawnedProcess> spawn(const SweepRun& run, const SweepProcess& process) const;
  SweepProgress progress() const;
  std::optional<double> seconds_left() const;
  std::vector<RunResult> results() const;

  const SweepOptions& options_;
  SweepObserver& observer_;
  std::vector<SweepRun> runs_;
  std::vector<std::string> varied_;
  std::vector<std::optional<RunResult>> results_;  // as runs_
  std::deque<std::size_t> queue_;
  std::vector<Task> tasks_;
  std::size_t due_;
  std::size_t done_ = 0;
  bool stopped_ = false;
  std::vector<double> run_seconds_;         // of whole runs with their evaluations
  std::vector<double> evaluation_seconds_;  // of evaluations alone
  std::vector<std::string> failures_;
  int lock_;
};

}  // namespace genkidama::run
