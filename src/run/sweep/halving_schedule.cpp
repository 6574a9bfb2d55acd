#include "run/sweep/halving_schedule.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "run/search/rungs.h"

namespace genkidama::run {

HalvingSchedule::HalvingSchedule(const SweepOptions& options, RunList& runs, StepBudget& budget,
                                 SearchRecord record, std::vector<SweepPoint> points)
    : options_(options),
      runs_(runs),
      budget_(budget),
      record_(std::move(record)),
      points_(std::move(points)),
      halving_(points_.size(), record_.rungs.size(), record_.reduction) {
  for (const SearchTrial& earlier : record_.trials) {
    const auto place = std::find(points_.begin(), points_.end(), earlier.point);
    const auto trial = static_cast<std::size_t>(place - points_.begin());
    begun_.push_back(trial);
    for (std::size_t rung = 0; rung < earlier.rung; ++rung) halving_.assign({trial, rung});
    for (const double score : earlier.scores) halving_.score(trial, score);
    if (earlier.scores.size() < earlier.rung) begin({trial, earlier.rung - 1});
  }
}

std::vector<DueRun> HalvingSchedule::runs_of_step(Halving::Step step) {
  std::vector<DueRun> runs;
  for (const std::uint64_t seed : record_.seeds) {
    runs.push_back({runs_.place_of(points_[step.trial], seed), record_.rungs[step.rung]});
  }
  return runs;
}

void HalvingSchedule::begin(Halving::Step step) {
  const auto runs = runs_of_step(step);
  for (const DueRun& run : runs) budget_.charge(run.run, std::max(budget_.charged(run.run), *run.max_steps));
  at_work_.begin(step.trial, runs);
}

bool HalvingSchedule::affords(Halving::Step step) {
  std::uint64_t more = 0;
  for (const DueRun& run : runs_of_step(step)) {
    more += *run.max_steps - std::min(*run.max_steps, budget_.charged(run.run));
  }
  return budget_.takes(more);
}

std::size_t HalvingSchedule::take_done(
    const std::function<std::optional<RunOutcome>(const DueRun&)>& outcome_of) {
  std::size_t done = 0;
  for (std::size_t trial = 0; trial < halving_.trials(); ++trial) {
    done += halving_.scores(trial).size() * record_.seeds.size();
  }
  return done + at_work_.take_done(outcome_of, [this](const DueRun& run, const RunOutcome& outcome) {
    on_end(run, outcome);
  });
}

std::optional<DueRun> HalvingSchedule::next() {
  if (at_work_.empty() && !budget_.has_refused()) {
    const auto step = halving_.next();
    if (!step || !affords(*step)) return {};
    halving_.assign(*step);
    if (step->rung == 0) begun_.push_back(step->trial);
    save();
    begin(*step);
  }
  return at_work_.take();
}

bool HalvingSchedule::is_over() const {
  return at_work_.empty() && (budget_.has_refused() || !halving_.next());
}

void HalvingSchedule::on_end(const DueRun& run, const RunOutcome& outcome) {
  budget_.charge(run.run, outcome.steps);
  const auto ended = at_work_.on_end(run, outcome);
  if (!ended) return;
  halving_.score(ended->trial, ended->median);
  save();
}

void HalvingSchedule::on_failure(const DueRun& run, const std::string&) {
  if (const auto trial = at_work_.on_failure(run)) halving_.fail(*trial);
}

std::size_t HalvingSchedule::due() const {
  std::size_t rungs = 0;
  for (std::size_t trial = 0; trial < halving_.trials(); ++trial) {
    rungs += std::max<std::size_t>(1, halving_.assigned(trial));
  }
  return rungs * record_.seeds.size();
}

std::optional<std::uint64_t> HalvingSchedule::expected_steps() const {
  const std::uint64_t steps =
      record_.seeds.size() * steps_of_halving(record_.rungs, record_.reduction, halving_.trials());
  return budget_.limit() == 0 ? steps : std::min(steps, budget_.limit());
}

void HalvingSchedule::describe(SweepSummary& summary) const {
  std::map<std::string, std::size_t> rungs;
  for (std::size_t trial = 0; trial < points_.size(); ++trial) {
    rungs[setting_name(points_[trial])] = halving_.scores(trial).size();
  }
  for (SettingStatistics& setting : summary.settings) {
    setting.rung = rungs[setting.setting];
    if (setting.rung > 0) setting.steps = record_.rungs[setting.rung - 1];
  }
  std::stable_sort(summary.settings.begin(), summary.settings.end(),
                   [](const SettingStatistics& a, const SettingStatistics& b) {
                     return std::pair(a.rung, a.median) > std::pair(b.rung, b.median);
                   });
}

void HalvingSchedule::save() {
  record_.trials.clear();
  for (const std::size_t trial : begun_) {
    record_.trials.push_back({points_[trial], 0, halving_.assigned(trial), halving_.scores(trial)});
  }
  write_search_record(options_, record_);
}

}  // namespace genkidama::run
