#include "run/evaluation/run_evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/params/safetensors.h"
#include "run/evaluation/evaluation_report.h"
#include "run/evaluation/trainer_statistics.h"

namespace genkidama::run {
namespace {

// Of evaluations that were not due by their number.
constexpr int kFirstLook = 20;
constexpr double kPromisingShare = 0.9;
constexpr const char* kBestMean = "evaluation_return_mean";

template <typename Number>
std::optional<Number> number_in_metadata(const Checkpoint& file, const char* key) {
  const auto field = file.metadata.find(key);
  if (field == file.metadata.end()) return {};
  Number value = 0;
  const std::string& text = field->second;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return {};
  return value;
}

CsvRow columns_of(const EnvironmentSpec& environment) {
  CsvRow columns = {"update",      "environment_steps", "wall_seconds", "episodes",
                    "return_mean", "return_std",        "return_min",   "return_max"};
  const CsvRow metrics = metric_columns(environment.metrics);
  columns.insert(columns.end(), metrics.begin(), metrics.end());
  return columns;
}

}  // namespace

RunEvaluator::RunEvaluator(const RunOptions& options, const RunDirectory& directory,
                           CoreOrchestrator& trainer, std::optional<std::uint64_t> keep_until)
    : options_(options),
      directory_(directory),
      trainer_(trainer),
      table_(directory.evaluations(), columns_of(trainer.environment_spec()), keep_until) {
  if (keep_until) read_best();
}

bool RunEvaluator::is_regular(std::uint64_t update) const {
  return update % options_.evaluate_every.value_or(kEvaluateEvery) == 0;
}

bool RunEvaluator::is_due(std::uint64_t update, const RecentMean& returns) {
  const bool promises = only_waits_for_target() && is_promising(returns);
  return promises || (evaluates() && is_regular(update));
}

bool RunEvaluator::is_promising(const RecentMean& returns) {
  const auto mean = returns.latest(kFirstLook);
  if (!mean) return false;
  std::optional<double>& lowest = progress_.lowest_training_mean;
  lowest = std::min(lowest.value_or(*mean), *mean);
  return *mean >= *lowest + kPromisingShare * (*options_.target - *lowest);
}

EvaluationStatistics RunEvaluator::play_episodes(const EvaluationRequest& request, bool may_end_early) {
  if (!may_end_early || request.episodes <= kFirstLook) return evaluate(trainer_, request);
  EvaluationRequest part = request;
  part.episodes = kFirstLook;
  std::vector<EpisodeResult> episodes;
  EvaluationStatistics statistics = evaluate(trainer_, part, &episodes);
  if (statistics.mean + 2 * statistics.standard_error < *options_.target) return statistics;
  part.first_episode = kFirstLook;
  part.episodes = request.episodes - kFirstLook;
  const auto others = trainer_.evaluate(part);
  episodes.insert(episodes.end(), others.begin(), others.end());
  return trainer_statistics(trainer_, request, episodes);
}

EvaluationStatistics RunEvaluator::play(std::span<const float> policy, int episodes, std::uint64_t seed,
                                        bool may_end_early) {
  EvaluationRequest request;
  request.episodes = episodes;
  request.seed = seed;
  request.greedy = options_.greedy;
  // Learning must go on as if nobody had looked.
  std::vector<float> own(trainer_.layout().size());
  trainer_.read_weights(own);
  trainer_.write_played_weights(policy);
  try {
    const EvaluationStatistics result = play_episodes(request, may_end_early);
    trainer_.write_played_weights(own);
    return result;
  } catch (const StoppedError&) {
    trainer_.write_played_weights(own);
    throw;
  }
}

RunEvaluator::Outcome RunEvaluator::evaluate_update(const PolicySnapshot& snapshot, const RunTotals& totals,
                                                    const std::function<double()>& wall_seconds) {
  // New episodes each time: a policy must not pass by luck with one set of them.
  missing_ = true;
  Outcome outcome;
  const bool may_end_early = only_waits_for_target() && !is_regular(totals.updates);
  outcome.statistics = play(snapshot.policy(), options_.target_episodes,
                            derive_seed(options_.eval_seed, {totals.updates}), may_end_early);
  missing_ = false;
  const EvaluationStatistics& result = outcome.statistics;
  CsvRow row = {fmt::format("{}", totals.updates),     fmt::format("{}", totals.in_run.steps),
                fmt::format("{:.3f}", wall_seconds()), fmt::format("{}", result.episodes),
                fmt::format("{:.6g}", result.mean),    fmt::format("{:.6g}", result.standard_deviation),
                fmt::format("{:.6g}", result.min),     fmt::format("{:.6g}", result.max)};
  const CsvRow metrics = metric_fields(result, trainer_.environment_spec().metrics);
  row.insert(row.end(), metrics.begin(), metrics.end());
  table_.append(row);
  count(result.mean);
  outcome.best = keep_best(result.mean, snapshot, totals);
  return outcome;
}

EvaluationStatistics RunEvaluator::evaluate_final(std::span<const float> policy) {
  return play(policy, options_.eval_episodes, options_.eval_seed);
}

void RunEvaluator::count(double mean) {
  if (progress_.best_mean && mean <= *progress_.best_mean) {
    progress_.without_improvement += 1;
  } else {
    progress_.best_mean = mean;
    progress_.without_improvement = 0;
  }
}

void RunEvaluator::read_best() {
  std::error_code ignored;
  if (!keeps_best() || !std::filesystem::exists(directory_.best_weights(), ignored)) return;
  try {
    const Checkpoint best = read_safetensors(directory_.best_weights());
    const auto mean = number_in_metadata<double>(best, kBestMean);
    const auto update = number_in_metadata<std::uint64_t>(best, "update");
    if (mean) best_ = {directory_.best_weights(), update.value_or(0), *mean};
  } catch (const Error& error) {
    log(LogLevel::kWarning, "{}; the next policy that is evaluated takes its place", error.what());
  }
}

bool RunEvaluator::keep_best(double mean, const PolicySnapshot& snapshot, const RunTotals& totals) {
  // Not over a better one of rounds that a kill has undone.
  if (!keeps_best() || (best_ && mean <= best_->mean_return)) return false;
  Checkpoint policy =
      policy_file(snapshot, {trainer_.layout(), trainer_.policy_metadata()}, options_, totals);
  policy.metadata[kBestMean] = fmt::format("{}", mean);
  try {
    write_safetensors(directory_.best_weights(), policy);
    best_ = {directory_.best_weights(), totals.updates, mean};
    return true;
  } catch (const Error& error) {
    log(LogLevel::kError, "the best policy so far, of update {}, could not be written; the run goes on: {}",
        totals.updates, error.what());
    return false;
  }
}

}  // namespace genkidama::run
