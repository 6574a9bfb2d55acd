#pragma once

/// @file
/// Successive halving over runs, kept in search.json.

#include <cstdint>
#include <vector>

#include "run/search/halving.h"
#include "run/search/step_budget.h"
#include "run/sweep/run_list.h"
#include "run/sweep/schedule.h"
#include "run/sweep/search_record.h"
#include "run/sweep/trial_runs.h"

namespace genkidama::run {

/// Writes search.json when a trial is assigned a rung, before any of its runs starts, and when it has come to
/// it. A call that is ended in between finds which runs are missing, and does those.
class HalvingSchedule : public SweepSchedule {
 public:
  /// `record` has the trials of earlier calls; `points` are all that may be tried, those included. What is
  /// handed in by reference must outlive it.
  HalvingSchedule(const SweepOptions& options, RunList& runs, StepBudget& budget, SearchRecord record,
                  std::vector<SweepPoint> points);

  std::size_t take_done(const std::function<std::optional<RunOutcome>(const DueRun&)>& outcome_of) override;
  std::optional<DueRun> next() override;
  bool is_over() const override;
  void on_end(const DueRun& run, const RunOutcome& outcome) override;
  void on_failure(const DueRun& run, const std::string& what) override;
  std::size_t due() const override;
  std::vector<std::size_t> waiting() const override { return at_work_.waiting(); }
  std::optional<std::uint64_t> expected_steps() const override;
  void describe(SweepSummary& summary) const override;

 private:
  std::vector<DueRun> runs_of_step(Halving::Step step);
  /// The step's runs wait, and count as if they had taken its steps.
  void begin(Halving::Step step);
  bool affords(Halving::Step step);
  void save();

  const SweepOptions& options_;
  RunList& runs_;
  StepBudget& budget_;
  SearchRecord record_;
  std::vector<SweepPoint> points_;  // by trial
  Halving halving_;
  TrialRuns at_work_;
  std::vector<std::size_t> begun_;  // trials in the order of the record
};

}  // namespace genkidama::run
