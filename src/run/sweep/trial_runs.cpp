#include "run/sweep/trial_runs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "run/evaluation/sample.h"

namespace genkidama::run {
namespace {

// Infinite ones included, and no numbers below all others.
double median_of(std::vector<double> values) {
  for (double& value : values) {
    if (std::isnan(value)) value = -std::numeric_limits<double>::infinity();
  }
  std::sort(values.begin(), values.end());
  const double median = quantile_of(values, 0.5);
  return std::isnan(median) ? values[(values.size() - 1) / 2] : median;
}

}  // namespace

void TrialRuns::begin(std::size_t trial, const std::vector<DueRun>& runs) {
  open_[trial] = Open{runs.size()};
  for (const DueRun& run : runs) {
    trials_[run.run] = trial;
    waiting_.push_back(run);
  }
}

std::optional<DueRun> TrialRuns::take() {
  if (waiting_.empty()) return {};
  const DueRun run = waiting_.front();
  waiting_.pop_front();
  return run;
}

std::vector<std::size_t> TrialRuns::waiting() const {
  std::vector<std::size_t> places;
  for (const DueRun& run : waiting_) places.push_back(run.run);
  return places;
}

std::optional<TrialRuns::Ended> TrialRuns::on_end(const DueRun& run, const RunOutcome& outcome) {
  const std::size_t trial = trials_.at(run.run);
  Open& open = open_.at(trial);
  open.left -= 1;
  open.means.push_back(outcome.final_mean.value_or(std::numeric_limits<double>::quiet_NaN()));
  open.steps += outcome.steps;
  if (open.left > 0 || open.failed) return {};
  Ended ended{trial, median_of(open.means), open.means, open.steps};
  open_.erase(trial);
  return ended;
}

std::optional<std::size_t> TrialRuns::on_failure(const DueRun& run) {
  const std::size_t trial = trials_.at(run.run);
  std::erase_if(waiting_, [&](const DueRun& other) { return trials_.at(other.run) == trial; });
  if (std::exchange(open_.at(trial).failed, true)) return {};
  return trial;
}

std::size_t TrialRuns::take_done(const std::function<std::optional<RunOutcome>(const DueRun&)>& outcome_of,
                                 const std::function<void(const DueRun&, const RunOutcome&)>& ended) {
  std::deque<DueRun> left;
  std::size_t count = 0;
  for (const DueRun& run : std::exchange(waiting_, {})) {
    if (const auto outcome = outcome_of(run)) {
      ended(run, *outcome);
      count += 1;
    } else {
      left.push_back(run);
    }
  }
  waiting_ = std::move(left);
  return count;
}

}  // namespace genkidama::run
