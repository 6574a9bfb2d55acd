#include "run/trainer_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace genkidama::run {
namespace {

std::vector<std::string> all_columns(std::vector<std::string> extra) {
  std::vector<std::string> columns = {
      "episodes",   "return_mean", "return_min",     "return_max",    "length_mean",        "policy_loss",
      "value_loss", "entropy",     "approximate_kl", "clip_fraction", "explained_variance", "learning_rate"};
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

TrainerRun::TrainerRun(RunOptions options, CoreOrchestrator& trainer, RunObserver& observer,
                       std::vector<std::string> columns)
    : trainer_(trainer),
      observer_(observer),
      files_(std::move(options), trainer, observer, true, all_columns(std::move(columns))),
      average_(files_.first_average()) {
  if (auto state = files_.take_resumed()) {
    trainer_.write_weights(state->weights);
    trainer_.restore({std::move(state->optimizer_state), state->optimizer_steps,
                      state->totals.environment_steps, state->rounds, std::move(state->replay)});
    session_ = state->session;
    resumed_session_ = {state->session, state->written};
    for (const double value : state->recent_returns) recent_returns_.add(value);
  }
  latest_ = weights();
  latest_state_ = trainer_.state();
  round_began_ = Clock::now();
  files_.complete_checkpoint(learnt());
  ended_by_ = files_.reached_limit();
  observer_.on_start(progress_state());
}

void TrainerRun::begin() {
  if (!files_.is_evaluation_missing()) return;
  recording_ = true;
  if (files_.evaluate_policy(latest_, average_)) ended_by_ = "target";
  recording_ = false;
  round_began_ = Clock::now();
}

const std::optional<std::string>& TrainerRun::ended_by() {
  if (!ended_by_) {
    if (const std::string reason = files_.end_reason(); !reason.empty()) ended_by_ = reason;
  }
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
  for (const double value : {statistics.mean, statistics.min, statistics.max, statistics.length}) {
    row.push_back(round.episodes.empty() ? "" : fmt::format("{:.6g}", value));
  }
  for (const double value : {round.policy_loss, round.value_loss, round.entropy, round.approximate_kl,
                             round.clip_fraction, round.explained_variance, round.learning_rate}) {
    row.push_back(fmt::format("{:.6g}", value));
  }
  row.insert(row.end(), fields.begin(), fields.end());
  files_.append_metrics(row);
  scale_warning_.follow(round, files_.options());

  remember_round();
  files_.check(latest_);
  average_.add(latest_, files_.done().value_or(1));
  if (files_.is_evaluation_due() && files_.evaluate_policy(latest_, average_)) ended_by_ = "target";
  if (!ended_by_) ended_by_ = files_.reached_limit();
  if (files_.is_checkpoint_due()) files_.checkpoint(learnt());
  observer_.on_progress(progress_state());
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
  const std::string reason = files_.end_reason();
  ended_by_ = reason.empty() ? "stopped" : reason;
}

RunSummary TrainerRun::finish(const std::string& ended_by, const nlohmann::ordered_json& extra) {
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

}  // namespace genkidama::run
