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

RunStanding standing_of(const SweepRun& run) {
  return run::standing_of(RunDirectory(run.directory));
}

}  // namespace

SweepRunner::SweepRunner(const SweepOptions& options, SweepObserver& observer, std::vector<SweepRun> runs,
                         const std::vector<std::size_t>& due, int lock)
    : options_(options),
      observer_(observer),
      runs_(std::move(runs)),
      results_(runs_.size()),
      queue_(due.begin(), due.end()),
      due_(due.size()),
      lock_(lock) {
  std::vector<SweepPoint> points;
  for (const SweepRun& run : runs_) points.push_back(run.point);
  varied_ = varied_options(points);
}

SweepSummary SweepRunner::run() {
  take_finished();
  write_tables();
  observer_.on_start(progress());
  while (!(queue_.empty() && tasks_.empty()) && !is_stopped()) {
    while (!queue_.empty() && tasks_.size() < static_cast<std::size_t>(options_.jobs)) start_next();
    std::erase_if(tasks_, [this](Task& task) { return advance(task); });
    observer_.on_wait(progress());
    pause_before_look();
  }
  end_all();
  is_stopped();
  return summary();
}

bool SweepRunner::is_stopped() {
  stopped_ = stopped_ || (options_.stop && options_.stop());
  return stopped_;
}

EvaluationRequest SweepRunner::evaluation_of(const SweepRun& run) const {
  return options_.evaluation ? options_.evaluation(run) : EvaluationRequest{};
}

void SweepRunner::take_finished() {
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (standing_of(runs_[i]) == RunStanding::kFinished) keep_result(i);
  }
  std::erase_if(queue_, [this](std::size_t i) {
    const EvaluationRequest request = evaluation_of(runs_[i]);
    return results_[i] && (request.episodes == 0 || is_evaluated(runs_[i], request));
  });
  done_ = due_ - queue_.size();
}

void SweepRunner::start_next() {
  const std::size_t index = queue_.front();
  queue_.pop_front();
  try {
    const RunStanding standing = standing_of(runs_[index]);
    if (standing == RunStanding::kFinished) {
      Task task{index, Step::kEvaluate, false, Clock::now(), {}, nullptr};
      start_evaluation(task);
      tasks_.push_back(std::move(task));
      return;
    }
    if (standing == RunStanding::kDead) move_aside(RunDirectory(runs_[index].directory), "dead");
    train(index, standing == RunStanding::kStopped);
  } catch (const Error& error) {
    fail(index, error.what());
  }
}

void SweepRunner::train(std::size_t index, bool resume) {
  SweepRun& run = runs_[index];
  run.resume = resume;
  const auto parent = run.directory.parent_path();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (error) {
    throw IoError(
        fmt::format("cannot make {}: {}; {}", parent.string(), error.message(), write_advice(error.value())));
  }
  observer_.on_run_start(run);
  tasks_.push_back({index, Step::kTrain, !resume, Clock::now(), {}, spawn(run, options_.train)});
}

void SweepRunner::start_evaluation(Task& task) {
  task.step = Step::kEvaluate;
  task.before = evaluation_mark(runs_[task.run]);
  task.process = spawn(runs_[task.run], options_.evaluate);
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
    fail(task.run, error.what());
    return true;
  }
}

bool SweepRunner::look_after(Task& task) {
  if (task.process->running()) return false;
  // It was told to end as well; the next call goes on with it.
  if (is_stopped()) return true;
  const SweepRun& run = runs_[task.run];
  if (const int code = task.process->exit_code(); code != 0) {
    fail(task.run, fmt::format("{} ended with {}", task.step == Step::kTrain ? "it" : "its evaluation",
                               exit_text(code)));
    return true;
  }
  if (standing_of(run) != RunStanding::kFinished) {
    fail(task.run, "it ended before its time");
    return true;
  }
  const EvaluationRequest request = evaluation_of(run);
  if (task.step == Step::kTrain && request.episodes > 0) {
    start_evaluation(task);
    return false;
  }
  if (task.step == Step::kEvaluate) {
    if (evaluation_mark(run) == task.before || !covers_checkpoints(run)) {
      fail(task.run,
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

void SweepRunner::keep_result(std::size_t index) {
  const SweepRun& run = runs_[index];
  std::vector<std::string> values;
  for (const std::string& option : varied_) {
    const auto own = std::find_if(run.point.begin(), run.point.end(),
                                  [&option](const SweepValue& value) { return value.option == option; });
    if (own != run.point.end()) {
      values.push_back(own->value);
    } else {
      values.push_back(options_.value ? options_.value(run, option) : "");
    }
  }
  results_[index] = result_of(run, std::move(values), evaluation_of(run).greedy);
}

void SweepRunner::complete(const Task& task) {
  const bool was_trained = results_[task.run].has_value();
  keep_result(task.run);
  done_ += 1;
  const double seconds = seconds_since(task.started);
  if (task.whole) run_seconds_.push_back(seconds);
  if (was_trained) evaluation_seconds_.push_back(seconds);
  write_tables();
  observer_.on_run_end(runs_[task.run], seconds, results_[task.run]->final_mean(), progress());
}

void SweepRunner::fail(std::size_t index, const std::string& what) {
  const SweepRun& run = runs_[index];
  failures_.push_back(fmt::format("{}: {}; see {}", run.name(), what, run.log().string()));
  log(LogLevel::kWarning, "{}; the other runs go on", failures_.back());
}

void SweepRunner::write_tables() {
  try {
    write_results(options_.directory, varied_, results());
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
  summary.due = due_;
  summary.failures = failures_;
  summary.settings = statistics_by_setting(results());
  summary.results = results_in(options_.directory);
  return summary;
}

SweepProgress SweepRunner::progress() const {
  SweepProgress progress{done_, due_, seconds_left(), {}};
  for (const Task& task : tasks_) progress.jobs.push_back({&runs_[task.run], task.step == Step::kEvaluate});
  return progress;
}

std::optional<double> SweepRunner::seconds_left() const {
  double run = mean_of(run_seconds_);
  if (run_seconds_.empty()) {
    // Runs of earlier calls, without their evaluations.
    std::vector<double> earlier;
    for (const auto& result : results_) {
      if (result) earlier.push_back(result->wall_seconds);
    }
    run = mean_of(earlier);
  }
  const double evaluation = mean_of(evaluation_seconds_);
  double left = 0;
  // Those that have a result are trained already.
  for (const std::size_t index : queue_) left += results_[index] ? evaluation : run;
  for (const Task& task : tasks_) {
    left += std::max(0.0, (results_[task.run] ? evaluation : run) - seconds_since(task.started));
  }
  if (left <= 0) return {};
  return left / options_.jobs;
}

std::vector<RunResult> SweepRunner::results() const {
  std::vector<RunResult> found;
  for (const auto& result : results_) {
    if (result) found.push_back(*result);
  }
  return found;
}

}  // namespace genkidama::run
