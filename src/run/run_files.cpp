#include "run/run_files.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/version.h"
#include "run/check_run_options.h"
#include "run/demonstrated_start.h"
#include "run/directory/json_file.h"
#include "run/directory/summary_file.h"
#include "run/divergence.h"
#include "run/evaluation/evaluation_json.h"
#include "run/evaluation/evaluation_report.h"
#include "run/evaluation/first_policy.h"
#include "run/run_limits.h"
#include "run/state/influence_report.h"
#include "run/state/resumed_state.h"

namespace genkidama::run {
namespace {

constexpr Milliseconds kLockPatience{10'000};

RunOptions with_directory(RunOptions options) {
  if (options.directory.empty()) options.directory = default_run_directory(options.record.program);
  return options;
}

}  // namespace

OpenedRun RunFiles::open(RunOptions options, CoreOrchestrator& trainer, RunObserver* observer,
                         const Kind& kind) {
  check_run_options(options);
  static RunObserver nobody;
  if (observer == nullptr) observer = &nobody;
  OpenedRun run;
  run.average = PolicyAverage(options.policy_average);
  run.files.reset(new RunFiles(with_directory(std::move(options)), trainer, *observer, kind, run));
  return run;
}

RunFiles::RunFiles(RunOptions options, CoreOrchestrator& trainer, RunObserver& observer, const Kind& kind,
                   OpenedRun& opened)
    : options_(std::move(options)),
      observer_(observer),
      kind_(kind.name),
      trainer_(trainer),
      directory_(options_.directory),
      checkpoints_(options_, directory_, [&trainer] {
        return PolicyOrigin{trainer.layout(), trainer.policy_metadata(), trainer.environment_spec().name,
                            trainer.policy_description()};
      }) {
  // Before anything is made. A run that goes on from a state has its own weights.
  const bool begins = !directory_.goes_on(options_) || !directory_.has_state();
  auto first = begins ? read_first_policy(options_, trainer_) : std::nullopt;
  const auto demonstrations = begins ? read_demonstrated_start(options_, trainer_) : std::nullopt;
  directory_.create(options_);
  lock_ =
      std::make_unique<RunLock>(directory_.lock(), kLockPatience, [this] { return !end_reason().empty(); });
  remove_leftovers(directory_.path());
  remove_leftovers(directory_.checkpoint(0).parent_path());
  std::optional<std::uint64_t> keep_until;
  goes_on_ = directory_.goes_on(options_);  // again, now that nobody else can begin here
  if (goes_on_) {
    auto& state = opened.state;
    state =
        read_resumed_state(options_, directory_, checkpoints_.origin(), kind.saved, opened.average, kind_);
    if (state) {
      totals_ = state->totals;
      // What goes on has not reached its target yet, which may be a new one.
      totals_.time_to_target_seconds.reset();
      earlier_seconds_ = totals_.wall_seconds;
      earlier_restarts_ = totals_.worker_restarts;
      checkpoints_.resumed_at(totals_.updates);
    }
    keep_until = totals_.updates;
  }
  if (first && !opened.state) {
    trainer_.write_weights(first->weights);
    if (first->statistics.components() > 0) trainer_.write_other_statistics(first->statistics);
    opened.first_statistics = std::move(first->statistics);
  }
  // A file of figures without it would belong to nobody.
  if (!opened.state) write_config();
  if (demonstrations && !opened.state) {
    opened.first_statistics =
        clone_demonstrations(options_, directory_, *demonstrations, trainer_, observer_);
    cloned_ = true;
  }
  metrics_ =
      std::make_unique<MetricsTable>(directory_.metrics(), kind.columns, keep_until, options_, totals_);
  evaluations_ = std::make_unique<RunEvaluator>(options_, directory_, trainer_, keep_until);
  if (options_.tensorboard) {
    events_ = std::make_unique<TensorBoardLog>(
        directory_.path(), trainer_.hyperparameters().algorithm, config_text(),
        keep_until ? std::optional(totals_.in_run.steps) : std::nullopt);
    metrics_->also_write_to(events_.get());
  }
  if (cloned_ && !options_.clone_only && options_.eval_episodes > 0 && trainer_.workers() > 0)
    evaluations_->owe();
  if (!opened.state) return;
  evaluations_->resume(opened.state->evaluations, opened.state->evaluation_missing);
  // A run that has nothing left to do, or could not be opened, keeps the options that made it what it is.
  if (!reached_end()) write_config();
}

void RunFiles::write_config() const {
  if (!options_.cluster_member) write_file_atomically(directory_.config(), config_text());
}

std::string RunFiles::config_text() const {
  if (!options_.record.config.empty()) return options_.record.config;
  nlohmann::ordered_json config;
  config["program"] = options_.record.program;
  config["version"] = kVersion;
  config["environment"] = trainer_.environment_spec().name;
  config["command"] = options_.record.command;
  config["preset"] = options_.record.preset;
  config["seed"] = options_.record.seed;
  return json_text(config);
}

const RunTotals& RunFiles::now() {
  totals_.wall_seconds = earlier_seconds_ + seconds_since(started_);
  totals_.worker_restarts = earlier_restarts_ + trainer_.worker_restarts();
  return totals_;
}

std::optional<double> RunFiles::done() const {
  return share_of_run(options_, totals_.updates, totals_.in_run.steps);
}

RunInfo RunFiles::info(RunProgress progress) const {
  return {directory_.path(), trainer_.environment_spec().name, goes_on_, std::move(progress)};
}

void RunFiles::record(const RunTotals& totals, const std::vector<std::string>& fields,
                      std::optional<double> recent_return) {
  totals_ = totals;
  metrics_->append(now(), fields, recent_return);
}

void RunFiles::count_exchanges(std::uint64_t exchanges, std::uint64_t reconnects) {
  totals_.exchanges = exchanges;
  totals_.reconnects = reconnects;
}

void RunFiles::check(std::span<const float> weights) const {
  const auto problem = find_divergence(weights, trainer_.layout(), options_);
  if (problem) throw Error(diverged_text(totals_.updates, *problem));
}

std::string RunFiles::diverged_text(std::uint64_t update, const std::string& what) const {
  const bool learns_elsewhere = !learns() && !options_.cluster_member;
  return fmt::format("learning diverged: after update {} {}; {}; try a lower {} or {}{}", update, what,
                     checkpoints_.last_checkpoint_text(), options_.name_of("learning_rate"),
                     options_.name_of("max_gradient_norm"), learns_elsewhere ? " at the Children" : "");
}

std::string RunFiles::merge_rule_text(const std::string& failure, bool kept) const {
  const std::string rest =
      kept ? fmt::format("what was merged before is kept, and {} {} goes on after update {}",
                         options_.name_of("resume"), directory_.path().string(), totals_.updates)
           : checkpoints_.last_checkpoint_text();
  return fmt::format("{}; {}", failure, rest);
}

FillState RunFiles::with_own(const FillState& fill) {
  if (!fill) return {};
  return [this, &fill](RunState& state) {
    state.subject.kind = kind_;
    state.evaluation_missing = evaluations_->missing();
    state.evaluations = evaluations_->progress();
    fill(state);
  };
}

void RunFiles::sync_tables() {
  metrics_->sync();
  evaluations_->sync();
  if (events_) events_->sync();
}

void RunFiles::tell_evaluation(const EvaluationStatistics& statistics, const std::string& prefix) {
  if (!events_) return;
  std::vector<Scalar> scalars = {{prefix + "mean_reward", statistics.mean},
                                 {prefix + "mean_ep_length", statistics.mean_length}};
  for (const MetricStatistics& each : statistics.metrics)
    scalars.push_back({prefix + metric_column(each.name), each.mean});
  events_->scalars(totals_.in_run.steps, scalars);
}

void RunFiles::tell(const Checkpointer::Written& written) {
  if (written.state.empty() && written.policy.empty()) return;
  observer_.on_checkpoint({totals_.updates, written.state, written.policy});
}

bool RunFiles::checkpoint(const PolicySnapshot& snapshot, const FillState& fill) {
  // A state must not outlive the rows that led to it.
  if (fill) sync_tables();
  const auto written = checkpoints_.write(snapshot, now(), with_own(fill));
  tell(written);
  return written.complete;
}

std::optional<std::string> RunFiles::evaluate(const PolicySnapshot& snapshot) {
  const auto outcome =
      evaluations_->evaluate_update(snapshot, totals_, [this] { return now().wall_seconds; });
  const bool reached = options_.target && outcome.statistics.mean >= *options_.target;
  if (reached) totals_.time_to_target_seconds = totals_.wall_seconds;
  tell_evaluation(outcome.statistics, "eval/");
  observer_.on_evaluation({totals_.updates, outcome.statistics, false, outcome.best});
  if (reached) return "target";
  if (evaluations_->is_patience_over()) return "patience";
  return {};
}

std::optional<std::string> RunFiles::reached_end() const {
  if (cloned_ && options_.clone_only) return "cloned";
  if (auto limit = reached_limit(options_, totals_)) return limit;
  // An evaluation that was given up may still bring an improvement.
  if (evaluations_->is_patience_over() && !evaluations_->is_missing()) return "patience";
  return {};
}

RunSummary RunFiles::finish(const std::string& ended_by, const PolicySnapshot& snapshot,
                            const FillState& fill, const nlohmann::ordered_json& extra,
                            std::vector<ChildInfluence> influence) {
  RunSummary result;
  result.influence = std::move(influence);
  if (!result.influence.empty()) result.influence_suggestion = influence_suggestion(result.influence);
  result.directory = directory_.path();
  result.ended_by = ended_by;
  result.target = options_.target;
  result.stopped = !end_reason().empty() && ended_by == end_reason();
  metrics_->append_left_out();
  auto report = summary_of(options_, trainer_.environment_spec().name, now(), ended_by);
  report["cloning"] = cloning_summary(directory_);
  report.update(extra);
  result.totals = totals_;
  result.best = evaluations_->best();
  if (result.best) {
    report["best_evaluation"] = {{"update", result.best->update},
                                 {"return_mean", result.best->mean_return},
                                 {"file", result.best->file.filename().string()}};
  }
  if (fill) sync_tables();
  const auto written = checkpoints_.write_final(snapshot, totals_, with_own(fill));
  tell(written);
  result.files_written = written.complete;
  result.write_failure = written.failure;
  // Whoever stops a run wants the process gone.
  if (!result.stopped && options_.eval_episodes > 0) {
    try {
      result.final_evaluation = evaluations_->evaluate_final(snapshot.policy());
      report["final_evaluation"] = to_json(*result.final_evaluation);
      tell_evaluation(*result.final_evaluation, "eval/final_");
      observer_.on_evaluation({totals_.updates, *result.final_evaluation, true, false});
    } catch (const StoppedError&) {
      result.stopped = true;
      log(LogLevel::kInfo, "the final evaluation was given up");
    }
    result.totals.worker_restarts = now().worker_restarts;
    report["worker_restarts"] = result.totals.worker_restarts;
  }
  if (!write_summary(directory_.summary(), report)) {
    result.files_written = false;
    result.write_failure += (result.write_failure.empty() ? "" : "; ") +
                            fmt::format("{} could not be written", directory_.summary().string());
  }
  if (events_ && !result.stopped) events_->ended(totals_.in_run.steps);
  observer_.on_end(result);
  return result;
}

void RunFiles::fail() {
  try {
    throw;
  } catch (const WorkerError& error) {
    // The trainer keeps its weights, but they end with this process: only a checkpoint is left.
    const std::string problem =
        trainer_.failure().empty() ? error.what() : trainer_.failure() + "; training stopped";
    const std::string text = fmt::format("{} (after update {}); {}", problem, totals_.updates,
                                         checkpoints_.last_checkpoint_text());
    write_failure(text);
    throw WorkerError(text);
  } catch (const std::exception& error) {
    write_failure(error.what());
    throw;
  } catch (...) {
    write_failure("something that is no std::exception was thrown");
    throw;
  }
}

void RunFiles::write_failure(const std::string& error) {
  auto report = summary_of(options_, trainer_.environment_spec().name, now(), "error");
  report["error"] = error;
  write_summary(directory_.summary(), report);
}

}  // namespace genkidama::run
