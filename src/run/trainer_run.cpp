#include "run/trainer_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cli/options/presets.h"
#include "cli/options/settings_check.h"
#include "cli/process/stop_signal.h"

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
  options.algorithm = job.program.algorithm;
  options.replay_capacity = static_cast<std::size_t>(settings.replay_capacity);
  options.worker_timeout = Milliseconds(static_cast<long long>(settings.worker_timeout_s * 1000));
  options.max_crashes_per_minute = settings.max_worker_crashes;
  options.give_up = stop_overdue;
  return std::make_unique<CoreOrchestrator>(job.program.environment,
                                            presets_of(job.program).at(settings.preset).network, options);
}

TrainerRun::TrainerRun(const Job& job, CoreOrchestrator& trainer, std::vector<std::string> columns)
    : trainer_(trainer),
      files_(job, trainer, all_columns(std::move(columns))),
      average_(files_.first_average()) {
  if (const auto& state = files_.resumed()) {
    trainer_.write_weights(state->weights);
    trainer_.restore({state->optimizer_state, state->optimizer_steps, state->totals.environment_steps,
                      state->rounds, state->replay});
    session_ = state->session;
    for (const double value : state->recent_returns) recent_returns_.add(value);
  }
  latest_ = weights();
  latest_state_ = trainer_.state();
  round_began_ = Clock::now();
  files_.complete_checkpoint(learnt());
  ended_by_ = files_.reached_limit();
  progress_ = std::make_unique<Progress>(progress_state());
}

void TrainerRun::begin() {
  if (!files_.is_evaluation_missing()) return;
  recording_ = true;
  if (files_.evaluate_target(average_.weights_or(latest_))) ended_by_ = "target";
  recording_ = false;
  round_began_ = Clock::now();
}

const std::optional<std::string>& TrainerRun::ended_by() {
  if (!ended_by_ && stop_signal() != 0) ended_by_ = "signal";
  return ended_by_;
}

void TrainerRun::record(const RoundReport& round, const std::vector<std::string>& fields) {
  recording_ = true;
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

  remember_round();
  files_.check(latest_);
  average_.add(latest_, files_.done().value_or(1));
  if (files_.is_evaluation_due() && files_.evaluate_target(average_.weights_or(latest_)))
    ended_by_ = "target";
  if (!ended_by_) ended_by_ = files_.reached_limit();
  if (files_.is_checkpoint_due()) files_.checkpoint(learnt());
  if (progress_->due()) progress_->show(progress_state());
  recording_ = false;
  round_began_ = Clock::now();
}

void TrainerRun::remember_round() {
  // Where rounds are shorter, one ends in time after any signal, and copying might cost what is noticed.
  constexpr double kLongRound_s = 0.2;
  trainer_.read_weights(latest_);
  latest_state_.reset();
  if (seconds_since(round_began_) >= kLongRound_s) latest_state_ = trainer_.state();
}

Learnt TrainerRun::learnt() const {
  return {latest_,         average_, latest_state_ || in_round_ ? latest_state_ : trainer_.state(),
          recent_returns_, "",       session_};
}

void TrainerRun::count_exchanges(std::uint64_t exchanges, std::uint64_t reconnects) {
  files_.totals.exchanges = exchanges;
  files_.totals.reconnects = reconnects;
}

void TrainerRun::give_up() {
  in_round_ = !recording_;
  ended_by_ = "signal";
}

int TrainerRun::finish(const std::string& ended_by, const nlohmann::ordered_json& extra) {
  progress_.reset();
  // An exchange may have changed the weights after the last round.
  if (!in_round_) {
    trainer_.read_weights(latest_);
    latest_state_ = trainer_.state();
  }
  return files_.finish(ended_by, learnt(), extra);
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
