#include "cli/trainer_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cli/presets.h"
#include "cli/settings_check.h"
#include "cli/stop_signal.h"

namespace genkidama::cli {
namespace {

std::vector<std::string> all_columns(std::vector<std::string> extra) {
  std::vector<std::string> columns = {"episodes",    "return_mean", "return_min", "return_max",
                                      "length_mean", "policy_loss", "value_loss", "entropy"};
  columns.insert(columns.end(), extra.begin(), extra.end());
  return columns;
}

struct RoundStatistics {
  double mean = 0;
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double length = 0;
};

RoundStatistics statistics_of_round(const RoundReport& round) {
  RoundStatistics result;
  const auto count = static_cast<double>(std::max<std::size_t>(1, round.episodes.size()));
  for (const EpisodeResult& episode : round.episodes) {
    result.mean += episode.episode_return / count;
    result.min = std::min(result.min, episode.episode_return);
    result.max = std::max(result.max, episode.episode_return);
    result.length += episode.length / count;
  }
  return result;
}

}  // namespace

std::unique_ptr<CoreOrchestrator> make_trainer(const Job& job, int workers) {
  const Settings& settings = job.settings;
  OrchestratorOptions options;
  options.workers = workers;
  options.mode = settings.worker_mode;
  options.seed = settings.seed;
  options.hyperparameters = resolved_hyperparameters(settings);
  options.optimizer = job.program.optimizer;
  options.replay_capacity = settings.replay_capacity;
  options.worker_timeout = Milliseconds(static_cast<long long>(settings.worker_timeout_s * 1000));
  options.max_crashes_per_minute = settings.max_worker_crashes;
  return std::make_unique<CoreOrchestrator>(job.program.environment,
                                            presets_of(job.program).at(settings.preset).network, options);
}

TrainerRun::TrainerRun(const Job& job, CoreOrchestrator& trainer, std::vector<std::string> columns)
    : trainer_(trainer),
      files_(job, trainer, all_columns(std::move(columns))),
      average_(files_.first_average()) {
  if (const auto& state = files_.resumed()) {
    trainer_.write_weights(state->weights);
    trainer_.restore(
        {state->optimizer_state, state->optimizer_steps, state->totals.environment_steps, state->rounds});
  }
  ended_by_ = files_.reached_limit();
  progress_ = std::make_unique<Progress>(progress_state());
}

const std::optional<std::string>& TrainerRun::ended_by() {
  if (!ended_by_ && stop_signal() != 0) ended_by_ = "signal";
  return ended_by_;
}

void TrainerRun::record(const RoundReport& round, const std::vector<std::string>& fields) {
  RunTotals& totals = files_.totals;
  totals.updates += 1;
  totals.environment_steps += round.environment_steps;
  totals.episodes += round.episodes.size();
  for (const EpisodeResult& episode : round.episodes) recent_returns_.add(episode.episode_return);

  const RoundStatistics statistics = statistics_of_round(round);
  std::vector<std::string> row = {fmt::format("{}", totals.episodes)};
  for (const double value : {statistics.mean, statistics.min, statistics.max, statistics.length,
                             round.policy_loss, round.value_loss, round.entropy}) {
    row.push_back(fmt::format("{:.6g}", value));
  }
  row.insert(row.end(), fields.begin(), fields.end());
  files_.append_metrics(row);

  const std::vector<float> latest = weights();
  files_.check(latest);
  average_.add(latest, files_.done().value_or(1));
  if (files_.is_evaluation_due() && files_.evaluate_target(average_.weights_or(latest))) ended_by_ = "target";
  if (!ended_by_) ended_by_ = files_.reached_limit();
  if (files_.is_checkpoint_due()) files_.checkpoint({latest, average_, trainer_.state()});
  if (progress_->due()) progress_->show(progress_state());
}

int TrainerRun::finish(const std::string& ended_by, const nlohmann::ordered_json& extra) {
  progress_.reset();
  const std::vector<float> latest = weights();
  return files_.finish(ended_by, {latest, average_, trainer_.state()}, extra);
}

std::vector<float> TrainerRun::weights() const {
  std::vector<float> weights(trainer_.layout().size());
  trainer_.read_weights(weights);
  return weights;
}

ProgressState TrainerRun::progress_state() const {
  ProgressState state;
  state.updates = files_.totals.updates;
  state.environment_steps = files_.totals.environment_steps;
  state.mean_return = recent_returns_.mean();
  state.done = files_.done();
  return state;
}

}  // namespace genkidama::cli
