#include "run/sweep/list_schedule.h"

#include <algorithm>

#include "run/sweep/standing.h"

namespace genkidama::run {

ListSchedule::ListSchedule(const SweepOptions& options, const RunList& runs, StepBudget& budget,
                           const std::vector<std::size_t>& due)
    : options_(options), runs_(runs), budget_(budget), left_(due.begin(), due.end()), due_(due.size()) {}

std::size_t ListSchedule::take_done(
    const std::function<std::optional<RunOutcome>(const DueRun&)>& outcome_of) {
  return std::erase_if(left_, [&](std::size_t run) { return outcome_of({run}).has_value(); });
}

std::optional<DueRun> ListSchedule::next() {
  if (is_over()) return {};
  const std::size_t run = left_.front();
  const std::uint64_t taken = budget_.charged(run);
  std::optional<std::uint64_t> end = options_.steps ? options_.steps(runs_[run]) : std::nullopt;
  // Only its evaluation is missing.
  if (standing_of(RunDirectory(runs_[run].directory)) == RunStanding::kFinished) end = taken;
  if (!budget_.takes(end ? std::optional(std::max(*end, taken) - taken) : std::nullopt)) return {};
  if (end) budget_.charge(run, std::max(*end, taken));
  left_.pop_front();
  return DueRun{run};
}

void ListSchedule::on_end(const DueRun& run, const RunOutcome& outcome) {
  budget_.charge(run.run, outcome.steps);
}

}  // namespace genkidama::run
