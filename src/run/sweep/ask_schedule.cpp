#include "run/sweep/ask_schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/error.h"
#include "run/sweep/definition.h"
#include "run/sweep/record.h"

namespace genkidama::run {
namespace {

constexpr Milliseconds kLastWords{5'000};

}  // namespace

AskSchedule::AskSchedule(const SweepOptions& options, RunList& runs, StepBudget& budget, SearchRecord record,
                         SweepDefinition all, std::function<void(const SweepRun&)> check)
    : options_(options),
      runs_(runs),
      budget_(budget),
      record_(std::move(record)),
      all_(std::move(all)),
      check_(std::move(check)),
      dialogue_(options.asking->input, options.asking->output) {
  for (std::size_t trial = 0; trial < record_.trials.size(); ++trial) {
    last_number_ = std::max(last_number_, record_.trials[trial].number);
    if (record_.trials[trial].scores.empty()) begin(trial);
  }
}

std::size_t AskSchedule::take_done(
    const std::function<std::optional<RunOutcome>(const DueRun&)>& outcome_of) {
  dialogue_.send(hello_line(record_.trials.size()));
  std::size_t done = 0;
  for (const SearchTrial& trial : record_.trials) {
    const bool is_done = !trial.scores.empty();
    done += is_done ? record_.seeds.size() : 0;
    dialogue_.send(
        known_line(trial.number, trial.point, is_done ? std::optional(trial.scores.front()) : std::nullopt));
  }
  return done + at_work_.take_done(outcome_of, [this](const DueRun& run, const RunOutcome& outcome) {
    on_end(run, outcome);
  });
}

std::optional<DueRun> AskSchedule::next() {
  for (int i = 0; i < kMostFruitless && end_.empty(); ++i) {
    const auto line = dialogue_.receive();
    if (!line) break;
    take(*line);
  }
  if (auto run = at_work_.take()) return run;
  if (!end_.empty()) return {};
  if (dialogue_.closed()) {
    end("closed");
  } else if (question_ == 0) {
    ask();
  } else if (answer_by_->passed()) {
    end("silence", fmt::format("question {} was not answered within {} s", question_,
                               options_.asking->answer_timeout.count() / 1000));
  }
  return {};
}

void AskSchedule::ask() {
  const std::size_t most = options_.asking->trials;
  const bool is_full = runs_.size() + record_.seeds.size() > kMostSweepRuns;
  if ((most > 0 && record_.trials.size() >= most) || is_full) return end("trials");
  if (!budget_.takes(std::nullopt)) return end("budget");
  question_ = ++last_number_;
  answer_by_ = Deadline::after(options_.asking->answer_timeout);
  dialogue_.send(ask_line(question_));
}

void AskSchedule::take(const LineDialogue::Line& line) {
  fruitless_ += 1;
  try {
    if (line.too_long) {
      throw ArgumentError(fmt::format("the line is longer than {} bytes; expected at most so many",
                                      LineDialogue::kLongestLine));
    }
    const AskAnswer answer = answer_in(line.text, question_);
    if (answer.ends) return end("end");
    accept(answer);
  } catch (const ArgumentError& error) {
    dialogue_.send(refused_line(question_, error.what()));
  }
  if (fruitless_ >= kMostFruitless) {
    end("fruitless",
        fmt::format("{} answers in a row were refused or were settings that are known", kMostFruitless));
  }
}

void AskSchedule::accept(const AskAnswer& answer) {
  const auto known = std::find_if(record_.trials.begin(), record_.trials.end(),
                                  [&](const SearchTrial& trial) { return trial.point == answer.point; });
  if (known != record_.trials.end()) {
    accept_known(static_cast<std::size_t>(known - record_.trials.begin()), answer.number);
  } else {
    check_definition({{answer.point}, record_.seeds});
    for (const std::uint64_t seed : record_.seeds) check_(run_of(answer.point, seed, options_.directory));
    if (budget_.takes(steps_of(answer.point))) {
      add(answer.point, answer.number);
    } else {
      dialogue_.send(failed_line(answer.number, "the budget is spent"));
      end("budget");
    }
    fruitless_ = 0;
  }
  question_ = 0;
}

void AskSchedule::accept_known(std::size_t trial, std::size_t number) {
  const SearchTrial& known = record_.trials[trial];
  if (!known.scores.empty()) {
    dialogue_.send(same_line(number, known.scores.front(), known.number));
  } else if (failed_.count(trial) > 0) {
    dialogue_.send(failed_line(number, failed_[trial]));
  } else {
    also_[trial].push_back(number);
  }
}

void AskSchedule::add(const SweepPoint& point, std::size_t number) {
  all_.points.push_back(point);
  record_.trials.push_back({point, number, 1, {}});
  write_sweep_record(options_, all_);
  write_search_record(options_, record_);
  begin(record_.trials.size() - 1);
}

std::optional<std::uint64_t> AskSchedule::steps_of(const SweepPoint& point) const {
  std::uint64_t steps = 0;
  for (const std::uint64_t seed : record_.seeds) {
    const auto end = options_.steps ? options_.steps(run_of(point, seed, options_.directory)) : std::nullopt;
    if (!end) return {};
    steps += *end;
  }
  return steps;
}

void AskSchedule::begin(std::size_t trial) {
  std::vector<DueRun> runs;
  for (const std::uint64_t seed : record_.seeds) {
    const std::size_t place = runs_.place_of(record_.trials[trial].point, seed);
    const auto end = options_.steps ? options_.steps(runs_[place]) : std::nullopt;
    if (end) budget_.charge(place, std::max(budget_.charged(place), *end));
    runs.push_back({place});
  }
  at_work_.begin(trial, runs);
}

void AskSchedule::on_end(const DueRun& run, const RunOutcome& outcome) {
  budget_.charge(run.run, outcome.steps);
  const auto ended = at_work_.on_end(run, outcome);
  if (!ended) return;
  SearchTrial& trial = record_.trials[ended->trial];
  trial.scores = {ended->median};
  write_search_record(options_, record_);
  dialogue_.send(tell_line(trial.number, ended->median, ended->steps, ended->means));
  for (const std::size_t number : also_[ended->trial])
    dialogue_.send(same_line(number, ended->median, trial.number));
}

void AskSchedule::on_failure(const DueRun& run, const std::string& what) {
  const auto failed = at_work_.on_failure(run);
  if (!failed) return;
  failed_[*failed] = what;
  dialogue_.send(failed_line(record_.trials[*failed].number, what));
  for (const std::size_t number : also_[*failed]) dialogue_.send(failed_line(number, what));
}

void AskSchedule::end(const std::string& why, const std::string& problem) {
  end_ = why;
  problem_ = problem;
}

void AskSchedule::finish(bool stopped) {
  dialogue_.send(end_line(stopped ? "stopped" : end_));
  dialogue_.finish(kLastWords);
}

void AskSchedule::describe(SweepSummary& summary) const {
  if (!problem_.empty()) summary.failures.push_back(problem_);
}

}  // namespace genkidama::run
