#include "cli/sweep/sweep_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <system_error>

#include "cli/sweep/sweep_evaluation.h"
#include "cli/sweep/sweep_standing.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/run/stop_signal.h"
#include "run/evaluation/figure_text.h"
#include "run/evaluation/sample.h"

namespace genkidama::cli {
namespace {

constexpr Milliseconds kPlainInterval{60'000};
// A run that was asked to end finishes its episodes and writes its state; a cluster waits for its Children.
constexpr Milliseconds kEndTimeout{90'000};

std::string progress_text_of(const run::RunDirectory& directory) {
  const std::optional<RunProgress> progress = progress_of(directory);
  if (!progress) return "training";
  std::string text = fmt::format("update {}  steps {}  {:.0f} steps/s", progress->updates,
                                 progress->environment_steps, progress->steps_per_second);
  if (progress->mean_return) text += fmt::format("  mean return {:.1f}", *progress->mean_return);
  return text;
}

}  // namespace

SweepRunner::SweepRunner(const Job& job, std::vector<SweepRun> runs, const std::vector<std::size_t>& due,
                         int lock)
    : job_(job),
      directory_(job.settings.run_dir),
      runs_(std::move(runs)),
      results_(runs_.size()),
      queue_(due.begin(), due.end()),
      due_(due.size()),
      lock_(lock),
      line_(kPlainInterval) {
  std::vector<SweepPoint> points;
  for (const SweepRun& run : runs_) points.push_back(run.point);
  options_ = varied_options(points);
}

int SweepRunner::run() {
  take_finished();
  write_tables();
  if (done_ > 0) log(LogLevel::kInfo, "{} of {} runs are done already", done_, due_);
  while (!(queue_.empty() && tasks_.empty()) && run::stop_signal() == 0) {
    while (!queue_.empty() && tasks_.size() < static_cast<std::size_t>(job_.settings.sweep.jobs))
      start_next();
    std::erase_if(tasks_, [this](Task& task) { return advance(task); });
    if (line_.due()) line_.show(progress_text());
    run::pause_before_look();
  }
  end_all();
  line_.erase();
  return report();
}

void SweepRunner::take_finished() {
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (standing_of(runs_[i].directory) == RunStanding::kFinished) keep_result(i);
  }
  std::erase_if(queue_, [this](std::size_t i) {
    const int episodes = job_.settings.run.eval_episodes;
    return results_[i] && (episodes == 0 || is_evaluated(runs_[i], episodes));
  });
  done_ = due_ - queue_.size();
}

void SweepRunner::start_next() {
  const std::size_t index = queue_.front();
  queue_.pop_front();
  const SweepRun& run = runs_[index];
  const RunStanding standing = standing_of(run.directory);
  try {
    if (standing == RunStanding::kFinished) {
      Task task{index, Step::kEvaluate, false, Clock::now(), nullptr};
      start_evaluation(task);
      tasks_.push_back(std::move(task));
      return;
    }
    if (standing == RunStanding::kDead) move_aside(run.directory);
    train(index, standing == RunStanding::kStopped);
  } catch (const Error& error) {
    fail({index, Step::kTrain, false, Clock::now(), nullptr}, error.what());
  }
}

void SweepRunner::train(std::size_t index, bool resume) {
  const SweepRun& run = runs_[index];
  std::error_code error;
  std::filesystem::create_directories(run.directory.path().parent_path(), error);
  if (error) {
    throw IoError(
        fmt::format("cannot make {}: {}", run.directory.path().parent_path().string(), error.message()));
  }
  std::vector<std::string> words = run.words;
  // Its options are those of its config.json, which agree.
  if (resume) words = {words.front(), "--resume=" + run.directory.path().string(), "--eval-episodes=0"};
  log(LogLevel::kInfo, "{}: {}", run.name(), resume ? "goes on" : "starts");
  tasks_.push_back({index, Step::kTrain, !resume, Clock::now(), spawn(run, std::move(words))});
}

void SweepRunner::start_evaluation(Task& task) {
  const SweepRun& run = runs_[task.run];
  task.step = Step::kEvaluate;
  task.process = spawn(run, evaluation_words(run, job_.settings.run.eval_episodes));
}

std::unique_ptr<run::SpawnedProcess> SweepRunner::spawn(const SweepRun& run,
                                                        std::vector<std::string> words) const {
  return std::make_unique<run::SpawnedProcess>(
      run::SpawnedProcess::Options{job_.program.name, std::move(words), {}, run.log(), lock_});
}

bool SweepRunner::advance(Task& task) {
  try {
    return look_after(task);
  } catch (const Error& error) {
    // A full disk or process table ends this run's part of the sweep, not the others'.
    fail(task, error.what());
    return true;
  }
}

bool SweepRunner::look_after(Task& task) {
  if (task.process->running()) return false;
  // It was told to end as well; the next call goes on with it.
  if (run::stop_signal() != 0) return true;
  const SweepRun& run = runs_[task.run];
  if (const int code = task.process->exit_code(); code != 0) {
    fail(task, fmt::format("{} ended with {}", task.step == Step::kTrain ? "it" : "its evaluation",
                           run::exit_text(code)));
    return true;
  }
  if (standing_of(run.directory) != RunStanding::kFinished) {
    fail(task, "it ended before its time");
    return true;
  }
  if (task.step == Step::kTrain && job_.settings.run.eval_episodes > 0) {
    start_evaluation(task);
    return false;
  }
  complete(task);
  return true;
}

void SweepRunner::keep_result(std::size_t index) {
  results_[index] = result_of(runs_[index], options_, job_.program.options);
}

void SweepRunner::complete(const Task& task) {
  const bool was_trained = results_[task.run].has_value();
  keep_result(task.run);
  done_ += 1;
  if (task.whole) run_seconds_.push_back(seconds_since(task.started));
  if (was_trained) evaluation_seconds_.push_back(seconds_since(task.started));
  write_tables();
  const auto& mean = results_[task.run]->final_mean;
  log(LogLevel::kInfo, "{}: done in {}{}; {} of {} runs{}", runs_[task.run].name(),
      duration_text(seconds_since(task.started)), mean ? ", final mean " + run::figure_text(*mean) : "",
      done_, due_, time_left());
}

void SweepRunner::fail(const Task& task, const std::string& what) {
  const SweepRun& run = runs_[task.run];
  failures_.push_back(fmt::format("{}: {}; see {}", run.name(), what, run.log().string()));
  log(LogLevel::kWarning, "{}; the other runs go on", failures_.back());
}

void SweepRunner::write_tables() {
  try {
    write_results(directory_, options_, results());
  } catch (const Error& error) {
    failures_.push_back(fmt::format("the tables could not be written: {}", error.what()));
    log(LogLevel::kError, "{}", failures_.back());
  }
}

void SweepRunner::end_all() {
  for (Task& task : tasks_) task.process->signal(SIGTERM);
  const Deadline asked = Deadline::after(kEndTimeout);
  const auto any_runs = [this] {
    return std::any_of(tasks_.begin(), tasks_.end(), [](Task& task) { return task.process->running(); });
  };
  while (any_runs() && !asked.passed()) run::pause_before_look();
  tasks_.clear();
}

int SweepRunner::report() const {
  const std::vector<RunResult> all = results();
  const bool any_evaluated =
      std::any_of(all.begin(), all.end(), [](const RunResult& result) { return result.final_mean; });
  if (any_evaluated) print("Final mean returns over seeds:\n{}", settings_table(all));
  print("{} of {} runs are done. Table: {}\n", done_, due_, directory_.results().string());
  for (const std::string& failure : failures_) log(LogLevel::kError, "{}", failure);
  if (run::stop_signal() != 0) {
    log(LogLevel::kInfo, "the sweep was stopped; the same call goes on with it");
    return 128 + run::stop_signal();
  }
  return failures_.empty() ? 0 : 1;
}

std::string SweepRunner::progress_text() const {
  std::string text = fmt::format("runs {} of {}{}", done_, due_, time_left());
  for (const Task& task : tasks_) {
    const SweepRun& run = runs_[task.run];
    text += fmt::format("  |  {}: {}", run.name(),
                        task.step == Step::kTrain ? progress_text_of(run.directory) : "evaluation");
  }
  return text;
}

std::string SweepRunner::time_left() const {
  double run = run::mean_of(run_seconds_);
  if (run_seconds_.empty()) {
    // Runs of earlier calls, without their evaluations.
    std::vector<double> earlier;
    for (const auto& result : results_) {
      if (result) earlier.push_back(result->wall_seconds);
    }
    run = run::mean_of(earlier);
  }
  const double evaluation = run::mean_of(evaluation_seconds_);
  double left = 0;
  // Those that have a result are trained already.
  for (const std::size_t index : queue_) left += results_[index] ? evaluation : run;
  for (const Task& task : tasks_) {
    left += std::max(0.0, (results_[task.run] ? evaluation : run) - seconds_since(task.started));
  }
  if (left <= 0) return "";
  return fmt::format(", about {} left", duration_text(left / job_.settings.sweep.jobs));
}

std::vector<RunResult> SweepRunner::results() const {
  std::vector<RunResult> found;
  for (const auto& result : results_) {
    if (result) found.push_back(*result);
  }
  return found;
}

}  // namespace genkidama::cli
