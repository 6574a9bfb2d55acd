// A run on this machine, with the files that `genkidama train` writes.

#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/commands/idle_options.h"
#include "cli/commands/job.h"
#include "cli/commands/run_pages.h"
#include "cli/commands/stop_requests.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/output.h"
#include "cli/terminal/run_display.h"
#include "genkidama/core/error.h"
#include "genkidama/run/trainer_run.h"
#include "python/evaluation.h"
#include "python/interpreter_fork.h"
#include "python/module.h"
#include "python/python_environment.h"
#include "python/run_watch.h"
#include "python/tasks.h"

namespace genkidama::python {
namespace {

using namespace py::literals;

py::dict figures_of(const run::UpdateEvent& event) {
  const run::RunTotals& totals = event.totals;
  const RoundReport& round = *event.round;
  return py::dict("update"_a = totals.updates, "steps"_a = totals.in_run.steps,
                  "episodes"_a = totals.in_run.episodes, "seconds"_a = totals.wall_seconds,
                  "mean_return"_a = event.progress.mean_return, "done"_a = event.progress.done,
                  "round_steps"_a = round.steps_in_round, "optimizer_steps"_a = round.optimizer_steps,
                  "policy_loss"_a = round.policy_loss, "value_loss"_a = round.value_loss,
                  "entropy"_a = round.entropy, "approximate_kl"_a = round.approximate_kl,
                  "clip_fraction"_a = round.clip_fraction, "explained_variance"_a = round.explained_variance,
                  "learning_rate"_a = round.learning_rate, "gradient_norm"_a = round.gradient_norm,
                  "worker_restarts"_a = totals.worker_restarts, "lost_episodes"_a = totals.lost_episodes);
}

/// Called without the interpreter's lock.
class Callback : public run::RunObserver {
 public:
  Callback(py::object function, RunWatch& watch) : function_(std::move(function)), watch_(watch) {}

  void on_update(const run::UpdateEvent& event) override {
    if (function_.is_none()) return;
    const py::gil_scoped_acquire lock;
    try {
      if (function_(figures_of(event)).ptr() == Py_False) watch_.stop("callback");
    } catch (const py::error_already_set& error) {
      watch_.stop(error);
    }
  }

 private:
  py::object function_;
  RunWatch& watch_;
};

py::dict result_of(const run::RunSummary& summary) {
  const auto files = summary.directory;
  py::dict result("run_dir"_a = files.string(), "policy"_a = (files / "final.safetensors").string(),
                  "ended_by"_a = summary.ended_by, "stopped"_a = summary.stopped,
                  "updates"_a = summary.totals.updates, "steps"_a = summary.totals.in_run.steps,
                  "episodes"_a = summary.totals.in_run.episodes, "seconds"_a = summary.totals.wall_seconds,
                  "time_to_target_seconds"_a = summary.totals.time_to_target_seconds,
                  "worker_restarts"_a = summary.totals.worker_restarts,
                  "lost_episodes"_a = summary.totals.lost_episodes);
  result["final_evaluation"] = py::none();
  if (summary.final_evaluation) result["final_evaluation"] = dict_of(*summary.final_evaluation);
  result["best"] = py::none();
  if (summary.best) {
    result["best"] = py::dict("policy"_a = summary.best->file.string(), "update"_a = summary.best->update,
                              "mean_return"_a = summary.best->mean_return);
  }
  return result;
}

/// Checks what the run is told, before anything is started.
cli::Job job_of(const py::object& task, const py::dict& options) {
  const bool is_object = !py::isinstance<py::str>(task);
  const py::module_ objects = py::module_::import("genkidama._objects");
  const std::string name = (is_object ? objects.attr("task_of")(task) : task).cast<std::string>();
  cli::Job job{tool_program(), settings_of("train", name, options)};
  if (!job.settings.machine_group.empty())
    throw ArgumentError("exchange is given; expected none: a run of this module trains on one machine");
  if (!is_object) return job;
  if (job.settings.learning.worker_mode != WorkerMode::kProcesses) {
    throw ArgumentError(
        "worker_mode is 'threads'; expected 'processes', since an environment in Python needs an interpreter "
        "for each worker");
  }
  job.environment = environments_of_workers(task);
  return job;
}

/// Lets go of the interpreter's lock once the workers are forked.
run::RunSummary run_to_its_end(cli::Job& job, RunWatch& watch, run::RunObserver& callback, bool progress) {
  cli::prepare_run_directory(job);
  if (progress) cli::log_above_live_line();
  cli::RunDisplay display;
  std::unique_ptr<CoreOrchestrator> trainer;
  {
    const InterpreterFork fork;
    const auto on_wait = [&](const RoundProgress& round) {
      if (progress) display.on_round(round);
    };
    trainer = cli::make_trainer(job, job.settings.learning.workers, on_wait,
                                {.cut_round = [&watch] { return watch.is_round_overdue(); },
                                 .give_up = [&watch] { return watch.is_overdue(); }});
  }
  const py::gil_scoped_release training;
  // It ends its workers without the lock.
  const std::unique_ptr<CoreOrchestrator> owned = std::move(trainer);
  const cli::RunPages pages = cli::open_pages(job, nullptr);
  run::RunObservers observers =
      cli::observers_of({&callback, progress ? &display : nullptr, pages.metrics.get(), pages.live.get()});
  run::RunOptions options = cli::run_options(job, owned->environment_spec().name);
  options.end_reason = [&watch] { return watch.end_reason(); };
  run::TrainerRun run(*owned, std::move(options), &observers);
  if (progress) cli::tell_start(job, *owned);
  cli::warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset),
                            owned->environment_spec());
  while (run.advance()) {
  }
  run::RunSummary summary = run.finish();
  if (progress) cli::finish_output();
  return summary;
}

py::dict train(const py::object& task, const py::object& callback, bool progress, const py::kwargs& options) {
  if (!callback.is_none() && PyCallable_Check(callback.ptr()) == 0)
    throw py::type_error("the callback cannot be called; expected a function that takes an update's figures");
  RunWatch watch;
  Callback observer(callback, watch);
  std::optional<run::RunSummary> summary;
  in_keywords([&] {
    cli::Job job = job_of(task, options);
    try {
      summary = run_to_its_end(job, watch, observer, progress);
    } catch (const StoppedError&) {
      // Before there was anything to keep; the reason is told below.
    }
  });
  watch.rethrow();
  if (!summary) throw Error("the run was stopped before it began");
  if (!summary->files_written) throw IoError(summary->write_failure);
  return result_of(*summary);
}

}  // namespace

constexpr const char* kTrainDoc =
    R"(Trains on this machine, and keeps the files that `genkidama train` keeps. Returns what the run came to, as a dict.

`task` names a task, or is a class or a function that makes environments with Gymnasium's interface: each worker makes
its own, in its process. `options` are those of `genkidama train` with _ for -: preset, max_steps, run_dir, workers,
seed, target, gamma and so on. `callback` is called after each update with its figures, a dict; the run ends when it
returns False. `progress` shows what the program shows. Other threads of Python run meanwhile.

Ctrl-C ends the run as it ends the program, and KeyboardInterrupt is raised once the files are written. So is what a
callback raises.)";

void bind_training(py::module_& module) {
  module.def("train", &train, py::arg("task"), py::kw_only(), py::arg("callback") = py::none(),
             py::arg("progress") = false, kTrainDoc);
}

}  // namespace genkidama::python
