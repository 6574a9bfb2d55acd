#include "run/run_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/core/version.h"
#include "genkidama/params/safetensors.h"
#include "run/divergence.h"

namespace genkidama::run {
namespace {

std::vector<std::string> metrics_columns(const std::vector<std::string>& columns) {
  std::vector<std::string> all = {"update", "environment_steps", "wall_seconds", "steps_per_second"};
  all.insert(all.end(), columns.begin(), columns.end());
  return all;
}

RunOptions with_directory(RunOptions options) {
  if (options.directory.empty()) options.directory = default_run_directory(options.record.program);
  return options;
}

constexpr Milliseconds kLockPatience{10'000};
constexpr double kFirstState_s = 1;
constexpr const char* kBestMean = "evaluation_return_mean";

// What a resumed run can fall back on: the state alone when no checkpoint was made at that update.
std::filesystem::path checkpoint_of_state(const RunDirectory& directory, std::uint64_t updates) {
  std::error_code ignored;
  const auto checkpoint = directory.checkpoint(updates);
  return std::filesystem::exists(checkpoint, ignored) ? checkpoint : directory.state();
}

}  // namespace

std::optional<double> share_of_run(const RunOptions& options, std::uint64_t updates, std::uint64_t steps) {
  if (!options.updates && !options.max_steps) return {};
  const auto share = [](std::uint64_t done, std::optional<std::uint64_t> all) {
    return all ? static_cast<double>(done) / static_cast<double>(*all) : 0;
  };
  return std::min(1.0, std::max(share(updates, options.updates), share(steps, options.max_steps)));
}

RunFiles::RunFiles(RunOptions options, CoreOrchestrator& trainer, RunObserver& observer, bool learns,
                   const std::vector<std::string>& columns)
    : options_(with_directory(std::move(options))),
      observer_(observer),
      learns_(learns),
      directory_(options_.directory),
      trainer_(trainer),
      started_(Clock::now()),
      last_state_(started_) {
  directory_.goes_on(options_);
  directory_.create();
  lock_ =
      std::make_unique<RunLock>(directory_.lock(), kLockPatience, [this] { return !end_reason().empty(); });
  remove_leftovers(directory_.path());
  remove_leftovers(directory_.checkpoint(0).parent_path());
  std::optional<std::uint64_t> keep_until;
  goes_on_ = directory_.goes_on(options_);  // again, now that nobody else can begin here
  if (goes_on_) {
    read_resumed();
    read_best();
    keep_until = totals.updates;
  }
  if (!options_.cluster_member) write_file_atomically(directory_.config(), config_text());
  metrics_ = std::make_unique<CsvFile>(directory_.metrics(), metrics_columns(columns), keep_until);
  evaluations_ = std::make_unique<CsvFile>(
      directory_.evaluations(),
      std::vector<std::string>{"update", "environment_steps", "wall_seconds", "episodes", "return_mean",
                               "return_std", "return_min", "return_max"},
      keep_until);
  last_row_seconds_ = totals.wall_seconds;
  last_row_steps_ = totals.environment_steps;
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
  return config.dump(2) + "\n";
}

void RunFiles::read_resumed() {
  if (!directory_.has_state()) {
    log(LogLevel::kInfo, "the run in {} was ended before its first checkpoint and begins again",
        directory_.path().string());
    return;
  }
  // A Parent has no optimizer.
  const std::size_t optimizer = learns_ ? trainer_.state().optimizer_state.size() : 0;
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
    throw ArgumentError(
        fmt::format("{} {}: {}", options_.name_of("resume"), directory_.path().string(), error.what()));
  }
  totals = resumed_->totals;
  // What goes on has not reached its target yet, which may be a new one.
  totals.time_to_target_seconds.reset();
  evaluation_missing_ = resumed_->evaluation_missing;
  last_checkpoint_ = checkpoint_of_state(directory_, totals.updates);
}

PolicyAverage RunFiles::first_average() const {
  PolicyAverage average(options_.policy_average);
  if (!resumed_ || resumed_->average.count == 0) return average;
  if (resumed_->policy_average == policy_average_name(options_.policy_average.kind)) {
    average.restore(resumed_->average);
  } else {
    log(LogLevel::kInfo, "the {} average of the policy ends here: {} is {} now", resumed_->policy_average,
        options_.name_of("policy_average"), policy_average_name(options_.policy_average.kind));
  }
  return average;
}

double RunFiles::wall_seconds() const {
  return totals.wall_seconds + seconds_since(started_);
}

void RunFiles::append_metrics(const std::vector<std::string>& fields) {
  if (is_row_kept(options_, totals.updates)) {
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
  const auto problem = find_divergence(weights, trainer_.layout(), options_);
  if (problem) throw Error(diverged_text(totals.updates, *problem));
}

std::string RunFiles::diverged_text(std::uint64_t update, const std::string& what) const {
  const bool learns_elsewhere = !learns_ && !options_.cluster_member;
  return fmt::format("learning diverged: after update {} {}; {}; try a lower {} or {}{}", update, what,
                     last_checkpoint_text(), options_.name_of("learning_rate"),
                     options_.name_of("max_gradient_norm"), learns_elsewhere ? " at the Children" : "");
}

std::string RunFiles::merge_rule_text(const std::string& failure, bool kept) const {
  const std::string rest =
      kept ? fmt::format("what was merged before is kept, and {} {} goes on after update {}",
                         options_.name_of("resume"), directory_.path().string(), totals.updates)
           : last_checkpoint_text();
  return fmt::format("{}; {}", failure, rest);
}

std::string RunFiles::last_checkpoint_text() const {
  if (last_checkpoint_.empty()) return "no checkpoint was written before";
  return fmt::format("the last good checkpoint is {}, and {} {} goes on from it", last_checkpoint_.string(),
                     options_.name_of("resume"), directory_.path().string());
}

void RunFiles::write_policy(const std::filesystem::path& path, const Learnt& learnt) {
  write_safetensors(path, policy_file(learnt.weights, learnt.average));
}

Checkpoint RunFiles::policy_file(std::span<const float> weights, const PolicyAverage& average) const {
  const auto policy = average.weights_or(weights);
  Checkpoint file;
  file.layout = trainer_.layout();
  file.weights.assign(policy.begin(), policy.end());
  // Nothing here depends on the clock, so that equal runs leave equal files.
  file.metadata = trainer_.policy_metadata();
  file.metadata["format"] = "pt";
  file.metadata["genkidama_version"] = kVersion;
  file.metadata["preset"] = options_.record.preset;
  file.metadata["update"] = fmt::format("{}", totals.updates);
  file.metadata["environment_steps"] = fmt::format("{}", totals.environment_steps);
  if (options_.policy_average.kind != PolicyAverageKind::kNone) {
    file.metadata["policy_average"] = average.text();
    file.metadata["policy_average_count"] = fmt::format("{}", average.count());
  }
  return file;
}

void RunFiles::read_best() {
  std::error_code ignored;
  if (!options_.evaluate_every || !std::filesystem::exists(directory_.best_weights(), ignored)) return;
  try {
    const Checkpoint best = read_safetensors(directory_.best_weights());
    const auto mean = best.metadata.find(kBestMean);
    if (mean == best.metadata.end()) return;
    const std::string& text = mean->second;
    double value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc()) best_mean_ = value;
  } catch (const Error& error) {
    log(LogLevel::kWarning, "{}; the next policy that is evaluated takes its place", error.what());
  }
}

void RunFiles::keep_best(double mean, Checkpoint policy) {
  if (!options_.evaluate_every || (best_mean_ && mean <= *best_mean_)) return;
  policy.metadata[kBestMean] = fmt::format("{}", mean);
  try {
    write_safetensors(directory_.best_weights(), policy);
    best_mean_ = mean;
  } catch (const Error& error) {
    log(LogLevel::kError, "the best policy so far, of update {}, could not be written; the run goes on: {}",
        totals.updates, error.what());
  }
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
  return options_.checkpoint_seconds > 0 &&
         seconds_since(last_state_) >= std::min(options_.checkpoint_seconds, young);
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
  if (totals.updates == 0 || !is_policy_due() || std::filesystem::exists(path, ignored)) return;
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
  request.greedy = options_.greedy;
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

bool RunFiles::evaluate_policy(std::span<const float> weights, const PolicyAverage& average) {
  // New episodes each time: a policy must not pass by luck with one set of them.
  evaluation_missing_ = true;
  const auto result = evaluate(average.weights_or(weights), options_.target_episodes,
                               derive_seed(options_.eval_seed, {totals.updates}));
  evaluation_missing_ = false;
  evaluations_->append({fmt::format("{}", totals.updates), fmt::format("{}", totals.environment_steps),
                        fmt::format("{:.3f}", wall_seconds()), fmt::format("{}", result.episodes),
                        fmt::format("{:.6g}", result.mean), fmt::format("{:.6g}", result.standard_deviation),
                        fmt::format("{:.6g}", result.min), fmt::format("{:.6g}", result.max)});
  keep_best(result.mean, policy_file(weights, average));
  if (!options_.target || result.mean < *options_.target) return false;
  totals.time_to_target_seconds = wall_seconds();
  return true;
}

std::optional<std::string> RunFiles::reached_limit() const {
  if (options_.updates && totals.updates >= *options_.updates) return "updates";
  if (options_.max_steps && totals.environment_steps >= *options_.max_steps) return "max_steps";
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
  json["program"] = options_.record.program;
  json["version"] = kVersion;
  json["environment"] = trainer_.environment_spec().name;
  json["command"] = options_.record.command;
  json["preset"] = options_.record.preset;
  json["seed"] = options_.record.seed;
  json["policy_average"] = PolicyAverage(options_.policy_average).text();
  json["ended_by"] = ended_by;
  json["updates"] = totals.updates;
  json["environment_steps"] = totals.environment_steps;
  json["episodes"] = totals.episodes;
  json["wall_seconds"] = seconds;
  json["env_steps_per_second"] = static_cast<double>(totals.environment_steps) / std::max(1e-6, seconds);
  json["target"] = nullptr;
  json["time_to_target_seconds"] = nullptr;
  if (options_.target) json["target"] = *options_.target;
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

RunSummary RunFiles::finish(const std::string& ended_by, const Learnt& learnt,
                            const nlohmann::ordered_json& extra) {
  RunSummary result;
  result.directory = directory_.path();
  result.ended_by = ended_by;
  result.target = options_.target;
  result.stopped = !end_reason().empty() && ended_by == end_reason();
  if (!left_out_.empty()) write_row(std::exchange(left_out_, {}));
  auto report = summary(ended_by);
  result.wall_seconds = report["wall_seconds"].get<double>();
  report.update(extra);
  result.files_written = write_final(learnt);
  // Whoever stops a run wants the process gone.
  if (!result.stopped && options_.eval_episodes > 0) {
    try {
      result.final_evaluation = evaluate(learnt.policy(), options_.eval_episodes, options_.eval_seed);
      report["final_evaluation"] = to_json(*result.final_evaluation);
    } catch (const StoppedError&) {
      result.stopped = true;
      log(LogLevel::kInfo, "the final evaluation was given up");
    }
    report["worker_restarts"] = worker_restarts();
  }
  result.files_written = write_summary(report) && result.files_written;
  result.totals = totals;
  result.totals.worker_restarts = worker_restarts();
  observer_.on_end(result);
  return result;
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

}  // namespace genkidama::run
