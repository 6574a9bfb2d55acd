#include "run/sweep/sweep_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <system_error>

#include "core/write_advice.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "run/evaluation/sample.h"
#include "run/sweep/definition.h"
#include "run/sweep/standing.h"

namespace genkidama::run {
namespace {

RunStanding standing_of(const SweepRun& run, const DueRun& due) {
  return run::standing_of(RunDirectory(run.directory), due.max_steps);
}

}  // namespace

SweepRunner::SweepRunner(const SweepOptions& options, SweepObserver& observer, RunList& runs,
                         SweepSchedule& schedule, const StepBudget& budget, int lock)
    : options_(options),
      observer_(observer),
      runs_(runs),
      schedule_(schedule),
      budget_(budget),
      book_(options, runs),
      lock_(lock) {}

SweepSummary SweepRunner::run() {
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (standing_of(runs_[i], {}) == RunStanding::kFinished) book_.keep(i);
  }
  done_ = schedule_.take_done([this](const DueRun& due) { return outcome_of(due); });
  steps_at_start_ = budget_.spent();
  write_tables();
  observer_.on_start(progress());
  while (!is_stopped()) {
    while (tasks_.size() < static_cast<std::size_t>(options_.jobs)) {
      const auto due = schedule_.next();
      if (!due) break;
      start(*due);
    }
    if (tasks_.empty() && schedule_.is_over()) break;
    std::erase_if(tasks_, [this](Task& task) { return advance(task); });
    observer_.on_wait(progress());
    pause_before_look();
  }
  end_all();
  schedule_.finish(is_stopped());
  return summary();
}

bool SweepRunner::is_stopped() {
  stopped_ = stopped_ || (options_.stop && options_.stop());
  return stopped_;
}

EvaluationRequest SweepRunner::evaluation_of(const SweepRun& run) const {
  return options_.evaluation ? options_.evaluation(run) : EvaluationRequest{};
}

std::optional<RunOutcome> SweepRunner::outcome_of(const DueRun& due) const {
  const SweepRun& run = runs_[due.run];
  if (standing_of(run, due) != RunStanding::kFinished) return {};
  const EvaluationRequest request = evaluation_of(run);
  if (request.episodes > 0 && !is_evaluated(run, request)) return {};
  return RunOutcome{book_.of(due.run).final_mean(), steps_taken(RunDirectory(run.directory))};
}

void SweepRunner::start(const DueRun& due) {
  runs_[due.run].max_steps = due.max_steps;
  try {
    const RunStanding standing = standing_of(runs_[due.run], due);
    const std::uint64_t taken = steps_taken(RunDirectory(runs_[due.run].directory));
    if (standing == RunStanding::kFinished) {
      Task task{due, Step::kEvaluate, false, taken, Clock::now(), {}, nullptr};
      start_evaluation(task);
      tasks_.push_back(std::move(task));
      return;
    }
    if (standing == RunStanding::kDead) move_aside(RunDirectory(runs_[due.run].directory), "dead");
    train(due, standing == RunStanding::kStopped, taken);
  } catch (const Error& error) {
    fail(due, error.what());
  }
}

void SweepRunner::train(const DueRun& due, bool resume, std::uint64_t taken) {
  SweepRun& run = runs_[due.run];
  run.resume = resume;
  const auto parent = run.directory.parent_path();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (error) {
    throw IoError(
        fmt::format("cannot make {}: {}; {}", parent.string(), error.message(), write_advice(error.value())));
  }
  observer_.on_run_start(run);
  const bool whole = !resume && !due.max_steps;
  tasks_.push_back({due, Step::kTrain, whole, taken, Clock::now(), {}, spawn(run, options_.train)});
}

void SweepRunner::start_evaluation(Task& task) {
  task.step = Step::kEvaluate;
  task.before = evaluation_mark(runs_[task.due.run]);
  task.process = spawn(runs_[task.due.run], options_.evaluate);
}

std::unique_ptr<SpawnedProcess> SweepRunner::spawn(const SweepRun& run, const SweepProcess& process) const {
  SpawnedProcess::Options options;
  options.name = run.name();
  options.output = run.log();
  options.inherited_fd = lock_;
  if (process.words) {
    options.arguments = process.words(run);
    if (options.arguments.empty()) throw ArgumentError("SweepProcess::words gives no words");
  } else {
    options.body = [&process, &run] { return process.function(run); };
  }
  return std::make_unique<SpawnedProcess>(std::move(options));
}

bool SweepRunner::advance(Task& task) {
  try {
    return look_after(task);
  } catch (const Error& error) {
    // A full disk or process table ends this run's part of the sweep, not the others'.
    fail(task.due, error.what());
    return true;
  }
}

bool SweepRunner::look_after(Task& task) {
  if (task.process->running()) return false;
  // It was told to end as well; the next call goes on with it.
  if (is_stopped()) return true;
  const SweepRun& run = runs_[task.due.run];
  if (const int code = task.process->exit_code(); code != 0) {
    fail(task.due, fmt::format("{} ended with {}", task.step == Step::kTrain ? "it" : "its evaluation",
                               exit_text(code)));
    return true;
  }
  if (standing_of(run, task.due) != RunStanding::kFinished) {
    fail(task.due, "it ended before its time");
    return true;
  }
  const EvaluationRequest request = evaluation_of(run);
  if (task.step == Step::kTrain && request.episodes > 0) {
    start_evaluation(task);
    return false;
  }
  if (task.step == Step::kEvaluate) {
    if (evaluation_mark(run) == task.before || !covers_checkpoints(run)) {
      fail(task.due,
           fmt::format("its evaluation ended well, but did not write a row for each checkpoint to {}; "
                       "expected what evaluate_checkpoints() writes",
                       run.evaluations().string()));
      return true;
    }
    if (!is_evaluated(run, request)) {
      log(LogLevel::kWarning,
          "{}: {} was not made with {} {} episodes and seed {}, as was asked for; the next call would "
          "evaluate "
          "the run again",
          run.name(), run.evaluations().string(), request.episodes, request.greedy ? "greedy" : "sampled",
          request.seed);
    }
  }
  complete(task);
  return true;
}

void SweepRunner::complete(const Task& task) {
  const std::size_t run = task.due.run;
  const bool was_trained = book_.has(run) && !task.due.max_steps;
  book_.keep(run);
  done_ += 1;
  const double seconds = seconds_since(task.started);
  if (task.whole) run_seconds_.push_back(seconds);
  if (was_trained) evaluation_seconds_.push_back(seconds);
  write_tables();
  const auto mean = book_.of(run).final_mean();
  schedule_.on_end(task.due, {mean, steps_taken(RunDirectory(runs_[run].directory))});
  observer_.on_run_end(runs_[run], seconds, mean, progress());
}

void SweepRunner::fail(const DueRun& due, const std::string& what) {
  const SweepRun& run = runs_[due.run];
  failures_.push_back(fmt::format("{}: {}; see {}", run.name(), what, run.log().string()));
  log(LogLevel::kWarning, "{}; the other runs go on", failures_.back());
  schedule_.on_failure(due, what);
}

void SweepRunner::write_tables() {
  try {
    book_.write();
  } catch (const Error& error) {
    failures_.push_back(fmt::format("the tables could not be written: {}", error.what()));
    log(LogLevel::kError, "{}", failures_.back());
  }
}

void SweepRunner::end_all() {
  for (Task& task : tasks_) task.process->signal(SIGTERM);
  const Deadline asked = Deadline::after(options_.end_timeout);
  const auto any_runs = [this] {
    return std::any_of(tasks_.begin(), tasks_.end(), [](Task& task) { return task.process->running(); });
  };
  while (any_runs() && !asked.passed()) pause_before_look();
  tasks_.clear();
}

SweepSummary SweepRunner::summary() const {
  SweepSummary summary;
  summary.stopped = stopped_;
  summary.done = done_;
  summary.due = schedule_.due();
  summary.failures = failures_;
  summary.settings = book_.settings();
  for (std::size_t i = 0; i < runs_.size(); ++i)
    summary.steps += steps_taken(RunDirectory(runs_[i].directory));
  summary.budget_spent = budget_.has_refused();
  summary.results = results_in(options_.directory);
  schedule_.describe(summary);
  return summary;
}

SweepProgress SweepRunner::progress() const {
  SweepProgress progress{done_, schedule_.due(), budget_.spent(), options_.budget, seconds_left(), {}};
  for (const Task& task : tasks_)
    progress.jobs.push_back({&runs_[task.due.run], task.step == Step::kEvaluate});
  return progress;
}

std::optional<double> SweepRunner::seconds_left() const {
  if (const auto expected = schedule_.expected_steps()) return seconds_left_of_steps(*expected);
  double run = mean_of(run_seconds_);
  // Runs of earlier calls, without their evaluations.
  if (run_seconds_.empty()) run = mean_of(book_.wall_seconds());
  const double evaluation = mean_of(evaluation_seconds_);
  double left = 0;
  // Those that have a result are trained already.
  for (const std::size_t place : schedule_.waiting()) left += book_.has(place) ? evaluation : run;
  for (const Task& task : tasks_) {
    left += std::max(0.0, (book_.has(task.due.run) ? evaluation : run) - seconds_since(task.started));
  }
  if (left <= 0) return {};
  return left / options_.jobs;
}

std::optional<double> SweepRunner::seconds_left_of_steps(std::uint64_t expected) const {
  std::uint64_t at_work = 0;
  for (const Task& task : tasks_) {
    const std::uint64_t charged = budget_.charged(task.due.run);
    at_work += charged - std::min(charged, task.steps_before);
  }
  const std::uint64_t taken = budget_.spent() - std::min(budget_.spent(), at_work);
  if (taken <= steps_at_start_ || expected <= taken) return {};
  const double rate = static_cast<double>(taken - steps_at_start_) / seconds_since(started_);
  return static_cast<double>(expected - taken) / rate;
}

}  // namespace genkidama::run
