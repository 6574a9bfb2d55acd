#include "cli/run_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cli/config_file.h"
#include "cli/progress.h"
#include "cli/stop_signal.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/core/version.h"
#include "genkidama/params/safetensors.h"

namespace genkidama::cli {
namespace {

std::vector<std::string> metrics_columns(const std::vector<std::string>& columns) {
  std::vector<std::string> all = {"update", "environment_steps", "wall_seconds", "steps_per_second"};
  all.insert(all.end(), columns.begin(), columns.end());
  return all;
}

RunState read_resumed(const RunDirectory& directory, const CoreOrchestrator& trainer, Command command) {
  // A Parent has no optimizer.
  const std::size_t optimizer = command == kParent ? 0 : trainer.state().optimizer_state.size();
  try {
    return read_run_state(directory.state(), trainer.layout(), optimizer);
  } catch (const Error& error) {
    throw ArgumentError(fmt::format("--resume {}: {}", directory.path().string(), error.what()));
  }
}

}  // namespace

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
      started_(Clock::now()) {
  std::optional<std::uint64_t> keep_until;
  if (!settings_.resume.empty()) {
    resumed_ = read_resumed(directory_, trainer_, settings_.command);
    totals = resumed_->totals;
    // What goes on has not reached its target yet, which may be a new one.
    totals.time_to_target_seconds.reset();
    keep_until = totals.updates;
  }
  directory_.create();
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

double RunFiles::wall_seconds() const {
  return totals.wall_seconds + seconds_since(started_);
}

void RunFiles::append_metrics(const std::vector<std::string>& fields) {
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

void RunFiles::write_weights(const std::filesystem::path& path, std::span<const float> weights) {
  Checkpoint file;
  file.layout = trainer_.layout();
  file.weights.assign(weights.begin(), weights.end());
  // Nothing here depends on the clock, so that equal runs leave equal files.
  file.metadata = {{"format", "pt"},
                   {"genkidama_version", kVersion},
                   {"environment", trainer_.environment_spec().name},
                   {"preset", settings_.preset},
                   {"update", fmt::format("{}", totals.updates)},
                   {"environment_steps", fmt::format("{}", totals.environment_steps)}};
  write_safetensors(path, file);
}

void RunFiles::write_state(std::span<const float> weights, const TrainerState& trainer) {
  RunState state;
  state.totals = totals;
  state.totals.wall_seconds = wall_seconds();
  state.weights.assign(weights.begin(), weights.end());
  state.optimizer_state = trainer.optimizer_state;
  state.optimizer_steps = trainer.optimizer_steps;
  state.rounds = trainer.rounds;
  write_run_state(directory_.state(), trainer_.layout(), state);
}

void RunFiles::checkpoint(std::span<const float> weights, const TrainerState& trainer) {
  try {
    write_weights(directory_.checkpoint(totals.updates), weights);
    write_state(weights, trainer);
  } catch (const Error& error) {
    log(LogLevel::kError, "the checkpoint of update {} could not be written; the run goes on: {}",
        totals.updates, error.what());
  }
}

EvaluationStatistics RunFiles::evaluate(int episodes, std::uint64_t seed) {
  EvaluationRequest request;
  request.episodes = episodes;
  request.seed = seed;
  request.greedy = settings_.greedy;
  return run_evaluation(trainer_, request);
}

bool RunFiles::evaluate_target() {
  // New episodes each time: a policy must not pass by luck with one set of them.
  const auto result = evaluate(settings_.target_episodes, derive_seed(settings_.eval_seed, {totals.updates}));
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

std::optional<double> RunFiles::done() const {
  if (!settings_.updates && !settings_.max_steps) return {};
  double share = 0;
  if (settings_.updates) {
    share = std::max(share, static_cast<double>(totals.updates) / static_cast<double>(*settings_.updates));
  }
  if (settings_.max_steps) {
    share = std::max(
        share, static_cast<double>(totals.environment_steps) / static_cast<double>(*settings_.max_steps));
  }
  return std::min(1.0, share);
}

bool RunFiles::write_final(std::span<const float> weights, const TrainerState& trainer) {
  try {
    write_weights(directory_.final_weights(), weights);
    write_state(weights, trainer);
    return true;
  } catch (const Error& error) {
    log(LogLevel::kError, "the final weights could not be written; the last checkpoint is in {}: {}",
        (directory_.path() / "checkpoints").string(), error.what());
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

int RunFiles::finish(const std::string& ended_by, std::span<const float> weights, const TrainerState& trainer,
                     const nlohmann::ordered_json& extra) {
  const int signal = ended_by == "signal" ? stop_signal() : 0;
  auto report = summary(ended_by);
  report.update(extra);
  bool written = write_final(weights, trainer);
  std::optional<EvaluationStatistics> result;
  // Whoever sent a signal wants the process gone.
  if (signal == 0 && settings_.eval_episodes > 0) {
    result = evaluate(settings_.eval_episodes, settings_.eval_seed);
    report["final_evaluation"] = to_json(*result);
  }
  written = write_summary(report) && written;

  fmt::print("Run ended by {} after {} updates, {} environment steps, {}.\n", ended_by, totals.updates,
             totals.environment_steps, duration_text(report["wall_seconds"].get<double>()));
  if (totals.time_to_target_seconds) {
    fmt::print("Target {} reached after {:.1f} s.\n", settings_.target.value_or(0),
               *totals.time_to_target_seconds);
  }
  if (result) fmt::print("Final evaluation:\n{}", to_table(*result));
  fmt::print("Files: {}\n", directory_.path().string());
  std::fflush(stdout);
  if (!written) return 1;
  return signal == 0 ? 0 : 128 + signal;
}

void RunFiles::fail(const std::string& error) {
  auto report = summary("error");
  report["error"] = error;
  write_summary(report);
}

}  // namespace genkidama::cli
