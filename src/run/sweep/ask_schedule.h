#pragma once

/// @file
/// Settings that another program chooses, one question at a time; kept in search.json.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "run/search/line_dialogue.h"
#include "run/search/step_budget.h"
#include "run/sweep/ask_lines.h"
#include "run/sweep/run_list.h"
#include "run/sweep/schedule.h"
#include "run/sweep/search_record.h"
#include "run/sweep/trial_runs.h"

namespace genkidama::run {

class AskSchedule : public SweepSchedule {
 public:
  /// So many lines in a row that bring nothing new end the sweep.
  static constexpr int kMostFruitless = 100;

  /// `all`: what the directory's sweep.json has. `check` throws ArgumentError for a run that is not possible.
  /// What is handed in by reference must outlive it.
  AskSchedule(const SweepOptions& options, RunList& runs, StepBudget& budget, SearchRecord record,
              SweepDefinition all, std::function<void(const SweepRun&)> check);

  std::size_t take_done(const std::function<std::optional<RunOutcome>(const DueRun&)>& outcome_of) override;
  std::optional<DueRun> next() override;
  bool is_over() const override { return at_work_.empty() && !end_.empty(); }
  void on_end(const DueRun& run, const RunOutcome& outcome) override;
  void on_failure(const DueRun& run, const std::string& what) override;
  void finish(bool stopped) override;
  std::size_t due() const override { return record_.trials.size() * record_.seeds.size(); }
  std::vector<std::size_t> waiting() const override { return at_work_.waiting(); }
  void describe(SweepSummary& summary) const override;

 private:
  void ask();
  void take(const LineDialogue::Line& line);
  void accept(const AskAnswer& answer);
  void accept_known(std::size_t trial, std::size_t number);
  void add(const SweepPoint& point, std::size_t number);
  /// What the runs of the setting would take; nothing where that is not known.
  std::optional<std::uint64_t> steps_of(const SweepPoint& point) const;
  /// Its runs wait, and count as if they had taken their steps.
  void begin(std::size_t trial);
  void end(const std::string& why, const std::string& problem = "");

  const SweepOptions& options_;
  RunList& runs_;
  StepBudget& budget_;
  SearchRecord record_;
  SweepDefinition all_;
  std::function<void(const SweepRun&)> check_;
  LineDialogue dialogue_;
  TrialRuns at_work_;
  std::map<std::size_t, std::vector<std::size_t>> also_;  ///< more questions that a trial at work answers
  std::map<std::size_t, std::string> failed_;             ///< trials that failed in this call, and why
  std::size_t last_number_ = 0;
  std::size_t question_ = 0;  ///< the one that stands; 0: none
  std::optional<Deadline> answer_by_;
  int fruitless_ = 0;
  std::string end_;      ///< why nothing more is asked
  std::string problem_;  ///< for people, when that is a failure
};

}  // namespace genkidama::run
