#include "run/run_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <utility>

#include "cli/options/config_file.h"
#include "cli/process/stop_signal.h"
#include "cli/terminal/progress.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/core/version.h"
#include "genkidama/params/safetensors.h"
#include "run/divergence.h"

namespace genkidama::cli {
namespace {

std::vector<std::string> metrics_columns(const std::vector<std::string>& columns) {
  std::vector<std::string> all = {"update", "environment_steps", "wall_seconds", "steps_per_second"};
  all.insert(all.end(), columns.begin(), columns.end());
  return all;
}

constexpr Milliseconds kLockPatience{10'000};
constexpr double kFirstState_s = 1;

// What a resumed run can fall back on: the state alone when no checkpoint was made at that update.
std::filesystem::path checkpoint_of_state(const RunDirectory& directory, std::uint64_t updates) {
  std::error_code ignored;
  const auto checkpoint = directory.checkpoint(updates);
  return std::filesystem::exists(checkpoint, ignored) ? checkpoint : directory.state();
}

}  // namespace

std::optional<double> share_of_run(const Settings& settings, std::uint64_t updates, std::uint64_t steps) {
  if (!settings.updates && !settings.max_steps) return {};
  const auto share = [](std::uint64_t done, std::optional<std::uint64_t> all) {
    return all ? static_cast<double>(done) / static_cast<double>(*all) : 0;
  };
  return std::min(1.0, std::max(share(updates, settings.updates), share(steps, settings.max_steps)));
}

void prepare_run_directory(Job& job) {
  Settings& settings = job.settings;
  if (settings.run_dir.empty()) settings.run_dir = default_run_directory(job.program.name);
  const RunDirectory directory(settings.run_dir);
  if (!settings.resume.empty()) {
    directory.check_resumable();
  } else if (!settings.cluster_member) {
    directory.check_unused();
  }
}

RunFiles::RunFiles(const Job& job, CoreOrchestrator& trainer, const std::vector<std::string>& columns)
    : settings_(job.settings),
      program_(job.program.name),
      directory_(job.settings.run_dir),
      trainer_(trainer),
      started_(Clock::now()),
      last_state_(started_) {
  directory_.create();
  lock_ = std::make_unique<RunLock>(directory_.path() / ".lock", kLockPatience);
  remove_leftovers(directory_.path());
  remove_leftovers(directory_.checkpoint(0).parent_path());
  std::optional<std::uint64_t> keep_until;
  if (!settings_.resume.empty()) {
    read_resumed();
    keep_until = totals.updates;
  } else if (!settings_.cluster_member) {
    directory_.check_unused();  // again, now that nobody else can begin here
  }
  if (!settings_.cluster_member) {
    const auto config = config_of(settings_, job.table, program_, trainer_.environment_spec().name);
    write_file_atomically(directory_.config(), config.dump(2) + "\n");
  }
  metrics_ = std::make_unique<CsvFile>(directory_.metrics(), metrics_columns(columns), keep_until);
  evaluations_ = std::make_unique<CsvFile>(
      directory_.evaluations(),
      std::vector<std::string>{"update", "environment_steps", "wall_seconds", "episodes", "return_mean",
                               "return_std", "return_min", "return_max"},
      keep_until);
  last_row_seconds_ = totals.wall_seconds;
  last_row_steps_ = totals.environment_steps;
}

void RunFiles::read_resumed() {
  if (!directory_.has_state()) {
    log(LogLevel::kInfo, "the run in {} was ended before its first checkpoint and begins again",
        directory_.path().string());
    return;
  }
  // A Parent has no optimizer.
  const bool learns = settings_.command != kParent;
  const std::size_t optimizer = learns ? trainer_.state().optimizer_state.size() : 0;
  try {
    NewestRunState newest = read_newest_run_state(directory_.state(), trainer_.layout(), optimizer);
    if (!newest.problem.empty()) {
      log(LogLevel::kWarning, "{}; the run goes on from {}, of update {}", newest.problem,
          newest.file.string(), newest.state.totals.updates);
      // The next state would otherwise take the place of the good one, and keep the damaged one beside it.
      std::error_code ignored;
      std::filesystem::rename(directory_.state(), directory_.damaged_state(), ignored);
    }
    resumed_ = std::move(newest.state);
  } catch (const Error& error) {
    throw ArgumentError(fmt::format("--resume {}: {}", directory_.path().string(), error.what()));
  }
  totals = resumed_->totals;
  // What goes on has not reached its target yet, which may be a new one.
  totals.time_to_target_seconds.reset();
  evaluation_missing_ = resumed_->evaluation_missing;
  last_checkpoint_ = checkpoint_of_state(directory_, totals.updates);
}

PolicyAverage RunFiles::first_average() const {
  PolicyAverage average(settings_.policy_average);
  if (!resumed_ || resumed_->average.count == 0) return average;
  if (resumed_->policy_average == policy_average_name(settings_.policy_average.kind)) {
    average.restore(resumed_->average);
  } else {
    log(LogLevel::kInfo, "the {} average of the policy ends here: --policy-average is {} now",
        resumed_->policy_average, policy_average_name(settings_.policy_average.kind));
  }
  return average;
}

double RunFiles::wall_seconds() const {
  return totals.wall_seconds + seconds_since(started_);
}

void RunFiles::append_metrics(const std::vector<std::string>& fields) {
  if (is_row_kept(settings_, totals.updates)) {
    left_out_.clear();
    write_row(fields);
  } else {
    left_out_ = fields;
  }
}

void RunFiles::write_row(const std::vector<std::string>& fields) {
  const double seconds = wall_seconds();
  const double steps = static_cast<double>(totals.environment_steps - last_row_steps_);
  std::vector<std::string> row = {fmt::format("{}", totals.updates),
                                  fmt::format("{}", totals.environment_steps), fmt::format("{:.3f}", seconds),
                                  fmt::format("{:.0f}", steps / std::max(1e-6, seconds - last_row_seconds_))};
  row.insert(row.end(), fields.begin(), fields.end());
  metrics_->append(row);
  last_row_seconds_ = seconds;
  last_row_steps_ = totals.environment_steps;
}

void RunFiles::check(std::span<const float> weights) const {
  const auto problem = find_divergence(weights, trainer_.layout(), settings_.max_weight_norm);
  if (problem) throw Error(diverged_text(totals.updates, *problem));
}

std::string RunFiles::diverged_text(std::uint64_t update, const std::string& what) const {
  const bool learns_elsewhere = settings_.command == kParent && !settings_.cluster_member;
  return fmt::format(
      "learning diverged: after update {} {}; {}; try a lower --learning-rate or --max-gradient-norm{}",
      update, what, last_checkpoint_text(), learns_elsewhere ? " at the Children" : "");
}

std::string RunFiles::merge_rule_text(const std::string& failure, bool kept) const {
  const std::string rest =
      kept ? fmt::format("what was merged before is kept, and --resume {} goes on after update {}",
                         directory_.path().string(), totals.updates)
           : last_checkpoint_text();
  return fmt::format("{}; {}", failure, rest);
}

std::string RunFiles::last_checkpoint_text() const {
  if (last_checkpoint_.empty()) return "no checkpoint was written before";
  return fmt::format("the last good checkpoint is {}, and --resume {} goes on from it",
                     last_checkpoint_.string(), directory_.path().string());
}

void RunFiles::write_policy(const std::filesystem::path& path, const Learnt& learnt) {
  const auto policy = learnt.policy();
  Checkpoint file;
  file.layout = trainer_.layout();
  file.weights.assign(policy.begin(), policy.end());
  // Nothing here depends on the clock, so that equal runs leave equal files.
  file.metadata = {{"format", "pt"},
                   {"genkidama_version", kVersion},
                   {"environment", trainer_.environment_spec().name},
                   {"preset", settings_.preset},
                   {"update", fmt::format("{}", totals.updates)},
                   {"environment_steps", fmt::format("{}", totals.environment_steps)}};
  if (settings_.policy_average.kind != PolicyAverageKind::kNone) {
    file.metadata["policy_average"] = learnt.average.text();
    file.metadata["policy_average_count"] = fmt::format("{}", learnt.average.count());
  }
  write_safetensors(path, file);
}

void RunFiles::write_state(const Learnt& learnt) {
  RunState state;
  state.totals = totals;
  state.totals.wall_seconds = wall_seconds();
  state.weights.assign(learnt.weights.begin(), learnt.weights.end());
  state.policy_average = policy_average_name(learnt.average.options().kind);
  state.average = learnt.average.state();
  state.totals.worker_restarts = worker_restarts();
  state.optimizer_state = learnt.trainer->optimizer_state;
  state.optimizer_steps = learnt.trainer->optimizer_steps;
  state.rounds = learnt.trainer->rounds;
  state.replay = learnt.trainer->replay;
  const auto& returns = learnt.recent_returns.values();
  state.recent_returns.assign(returns.begin(), returns.end());
  state.children = learnt.children;
  state.session = learnt.session;
  state.evaluation_missing = evaluation_missing_;
  // A state must not outlive the rows that led to it.
  metrics_->sync();
  evaluations_->sync();
  last_state_ = Clock::now();
  write_run_state(directory_.state(), trainer_.layout(), state);
}

bool RunFiles::is_state_due() const {
  // A young run has little to lose, but all of it: no kill costs more than half of what there is.
  const double young = std::max(kFirstState_s, wall_seconds() / 2);
  return settings_.checkpoint_seconds > 0 &&
         seconds_since(last_state_) >= std::min(settings_.checkpoint_seconds, young);
}

bool RunFiles::checkpoint(const Learnt& learnt) {
  try {
    // The state first: whoever finds a policy finds a state at least as new.
    if (learnt.trainer) write_state(learnt);
    if (is_policy_due()) {
      const auto path = directory_.checkpoint(totals.updates);
      write_policy(path, learnt);
      last_checkpoint_ = path;
    }
    if (checkpoints_fail_)
      log(LogLevel::kInfo, "checkpoints are written again, from update {}", totals.updates);
    checkpoints_fail_ = false;
  } catch (const Error& error) {
    if (!checkpoints_fail_) {
      log(LogLevel::kError,
          "the checkpoint of update {} could not be written; the run goes on, and every later checkpoint "
          "tries again: free space on this disk, or make it writable: {}",
          totals.updates, error.what());
    }
    checkpoints_fail_ = true;
  }
  return !checkpoints_fail_;
}

void RunFiles::complete_checkpoint(const Learnt& learnt) {
  std::error_code ignored;
  const auto path = directory_.checkpoint(totals.updates);
  if (!resumed_ || totals.updates == 0 || !is_policy_due() || std::filesystem::exists(path, ignored)) return;
  try {
    write_policy(path, learnt);
    last_checkpoint_ = path;
  } catch (const Error& error) {
    log(LogLevel::kError, "{} could not be written: {}", path.string(), error.what());
  }
}

std::uint64_t RunFiles::worker_restarts() const {
  return totals.worker_restarts + trainer_.worker_restarts();
}

EvaluationStatistics RunFiles::evaluate(std::span<const float> policy, int episodes, std::uint64_t seed) {
  EvaluationRequest request;
  request.episodes = episodes;
  request.seed = seed;
  request.greedy = settings_.greedy;
  // Learning must go on as if nobody had looked.
  std::vector<float> own(trainer_.layout().size());
  trainer_.read_weights(own);
  trainer_.write_weights(policy);
  try {
    const EvaluationStatistics result = run_evaluation(trainer_, request);
    trainer_.write_weights(own);
    return result;
  } catch (const StoppedError&) {
    trainer_.write_weights(own);
    throw;
  }
}

bool RunFiles::evaluate_target(std::span<const float> policy) {
  // New episodes each time: a policy must not pass by luck with one set of them.
  evaluation_missing_ = true;
  const auto result =
      evaluate(policy, settings_.target_episodes, derive_seed(settings_.eval_seed, {totals.updates}));
  evaluation_missing_ = false;
  evaluations_->append({fmt::format("{}", totals.updates), fmt::format("{}", totals.environment_steps),
                        fmt::format("{:.3f}", wall_seconds()), fmt::format("{}", result.episodes),
                        fmt::format("{:.6g}", result.mean), fmt::format("{:.6g}", result.standard_deviation),
                        fmt::format("{:.6g}", result.min), fmt::format("{:.6g}", result.max)});
  if (result.mean < *settings_.target) return false;
  totals.time_to_target_seconds = wall_seconds();
  return true;
}

std::optional<std::string> RunFiles::reached_limit() const {
  if (settings_.updates && totals.updates >= *settings_.updates) return "updates";
  if (settings_.max_steps && totals.environment_steps >= *settings_.max_steps) return "max_steps";
  return {};
}

bool RunFiles::write_final(const Learnt& learnt) {
  try {
    if (learnt.trainer) write_state(learnt);
    write_policy(directory_.final_weights(), learnt);
    return true;
  } catch (const Error& error) {
    log(LogLevel::kError, "the final weights could not be written; {}: {}", last_checkpoint_text(),
        error.what());
    return false;
  }
}

nlohmann::ordered_json RunFiles::summary(const std::string& ended_by) const {
  const double seconds = wall_seconds();
  nlohmann::ordered_json json;
  json["program"] = program_;
  json["version"] = kVersion;
  json["environment"] = trainer_.environment_spec().name;
  // The Parent of a cluster writes the cluster's summary.
  json["command"] = command_name(settings_.cluster_member ? kCluster : settings_.command);
  json["preset"] = settings_.preset;
  json["seed"] = settings_.seed;
  json["policy_average"] = PolicyAverage(settings_.policy_average).text();
  json["ended_by"] = ended_by;
  json["updates"] = totals.updates;
  json["environment_steps"] = totals.environment_steps;
  json["episodes"] = totals.episodes;
  json["wall_seconds"] = seconds;
  json["env_steps_per_second"] = static_cast<double>(totals.environment_steps) / std::max(1e-6, seconds);
  json["target"] = nullptr;
  json["time_to_target_seconds"] = nullptr;
  if (settings_.target) json["target"] = *settings_.target;
  if (totals.time_to_target_seconds) json["time_to_target_seconds"] = *totals.time_to_target_seconds;
  json["worker_restarts"] = worker_restarts();
  json["final_evaluation"] = nullptr;
  json["error"] = nullptr;
  return json;
}

bool RunFiles::write_summary(const nlohmann::ordered_json& summary) {
  try {
    write_file_atomically(directory_.summary(), summary.dump(2) + "\n");
    return true;
  } catch (const Error& error) {
    log(LogLevel::kError, "summary.json could not be written: {}", error.what());
    return false;
  }
}

int RunFiles::finish(const std::string& ended_by, const Learnt& learnt, const nlohmann::ordered_json& extra) {
  int signal = ended_by == "signal" ? stop_signal() : 0;
  if (!left_out_.empty()) write_row(std::exchange(left_out_, {}));
  auto report = summary(ended_by);
  report.update(extra);
  bool written = write_final(learnt);
  std::optional<EvaluationStatistics> result;
  // Whoever sent a signal wants the process gone.
  if (signal == 0 && settings_.eval_episodes > 0) {
    try {
      result = evaluate(learnt.policy(), settings_.eval_episodes, settings_.eval_seed);
      report["final_evaluation"] = to_json(*result);
    } catch (const StoppedError&) {
      signal = stop_signal();
      log(LogLevel::kInfo, "the final evaluation was given up");
    }
    report["worker_restarts"] = worker_restarts();
  }
  written = write_summary(report) && written;

  fmt::print("Run ended by {} after {} updates, {} environment steps, {}.\n", ended_by, totals.updates,
             totals.environment_steps, duration_text(report["wall_seconds"].get<double>()));
  if (totals.time_to_target_seconds) {
    fmt::print("Target {} reached after {:.1f} s.\n", settings_.target.value_or(0),
               *totals.time_to_target_seconds);
  }
  if (const auto restarts = worker_restarts(); restarts > 0) {
    fmt::print("Workers that died or hung and were started again: {}.\n", restarts);
  }
  if (result) fmt::print("Final evaluation:\n{}", to_table(*result));
  fmt::print("Files: {}\n", directory_.path().string());
  std::fflush(stdout);
  if (!written) return 1;
  return signal == 0 ? 0 : 128 + signal;
}

void RunFiles::fail() {
  try {
    throw;
  } catch (const WorkerError& error) {
    const std::string text =
        fmt::format("{} (after update {}); {}", error.what(), totals.updates, last_checkpoint_text());
    write_failure(text);
    throw WorkerError(text);
  } catch (const std::exception& error) {
    write_failure(error.what());
    throw;
  }
}

void RunFiles::write_failure(const std::string& error) {
  auto report = summary("error");
  report["error"] = error;
  write_summary(report);
}

}  // namespace genkidama::cli
