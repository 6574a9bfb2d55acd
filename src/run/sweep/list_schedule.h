#pragma once

/// @file
/// All runs one after the other: grids and random search.

#include <deque>

#include "run/search/step_budget.h"
#include "run/sweep/run_list.h"
#include "run/sweep/schedule.h"

namespace genkidama::run {

class ListSchedule : public SweepSchedule {
 public:
  /// `due`: the places of the runs in this order. What is handed in must outlive it.
  ListSchedule(const SweepOptions& options, const RunList& runs, StepBudget& budget,
               const std::vector<std::size_t>& due);

  std::size_t take_done(const std::function<std::optional<RunOutcome>(const DueRun&)>& outcome_of) override;
  std::optional<DueRun> next() override;
  bool is_over() const override { return left_.empty() || budget_.has_refused(); }
  void on_end(const DueRun& run, const RunOutcome& outcome) override;
  void on_failure(const DueRun&, const std::string&) override {}
  std::size_t due() const override { return due_; }
  std::vector<std::size_t> waiting() const override { return {left_.begin(), left_.end()}; }

 private:
  const SweepOptions& options_;
  const RunList& runs_;
  StepBudget& budget_;
  std::deque<std::size_t> left_;
  std::size_t due_;
};

}  // namespace genkidama::run
