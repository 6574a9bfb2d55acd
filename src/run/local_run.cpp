#include "run/local_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "run/evaluation/evaluation_report.h"
#include "run/run_limits.h"

namespace genkidama::run {
namespace {

std::vector<std::string> all_columns(const std::vector<std::string>& extra,
                                     const std::vector<std::string>& metrics) {
  std::vector<std::string> columns = {
      "episodes",           "return_mean",   "return_min",    "return_max",     "length_mean",
      "policy_loss",        "value_loss",    "entropy",       "approximate_kl", "clip_fraction",
      "explained_variance", "learning_rate", "gradient_norm", "deviation",      "lost_episodes",
      "optimizer_steps",    "model_error",   "imagined"};
  columns.insert(columns.end(), extra.begin(), extra.end());
  for (const std::string& name : metrics) columns.push_back(metric_column(name));
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

LocalRun::LocalRun(CoreOrchestrator& trainer, RunOptions options, RunObserver* observer,
                   const std::string& kind, const std::vector<std::string>& columns, Saveable* saved)
    : trainer_(trainer), saved_(saved != nullptr ? *saved : trainer), latest_(trainer.layout().size()) {
  OpenedRun opened =
      RunFiles::open(std::move(options), trainer, observer,
                     {kind, all_columns(columns, trainer.environment_spec().metrics), &saved_});
  files_ = std::move(opened.files);
  average_ = std::move(opened.average);
  first_statistics_ = std::move(opened.first_statistics);
  if (opened.state) restore(*std::exchange(opened.state, {}));
  trainer_.read_weights(latest_);
  latest_state_.emplace(saved_);
  round_began_ = Clock::now();
  files_->complete_checkpoint(snapshot());
  ended_by_ = files_->reached_end();
  try {
    files_->observer().on_start(files_->info(progress()));
  } catch (...) {
    files_->fail();
  }
}

void LocalRun::restore(RunState&& state) {
  // The trainer's state has said already what others gave last.
  trainer_.write_played_weights(state.weights);
  session_ = state.session;
  resumed_session_ = {state.session, state.written};
  for (const double value : state.recent_returns) recent_returns_.add(value);
}

void LocalRun::attempt(const std::function<void()>& work) {
  try {
    try {
      if (!std::exchange(begun_, true)) make_up();
      work();
    } catch (const StoppedError&) {
      give_up();
    }
  } catch (...) {
    ended_by_ = "error";
    files_->fail();
  }
}

void LocalRun::make_up() {
  if (!files_->is_evaluation_missing()) return;
  phase_ = Phase::kRecording;
  if (auto end = files_->evaluate(snapshot())) ended_by_ = std::move(end);
  phase_ = Phase::kPlaying;
  round_began_ = Clock::now();
}

bool LocalRun::is_over() {
  if (!ended_by_) {
    if (std::string reason = end_reason(); !reason.empty()) ended_by_ = std::move(reason);
  }
  return ended_by_.has_value();
}

void LocalRun::record(const RoundReport& round, const std::vector<std::string>& fields) {
  phase_ = Phase::kRecording;
  RunTotals after = totals();
  after.updates += 1;
  after.in_run += round.in_round();
  after.lost_episodes += round.lost_episodes;
  if (round.segments) after.dropped_steps += round.segments->all_dropped_steps();
  if (round.model_error > 0) after.model_error = round.model_error;
  for (const EpisodeResult& episode : round.episodes) recent_returns_.add(episode.episode_return);

  const RoundStatistics statistics = statistics_of_round(round);
  std::vector<std::string> row = {fmt::format("{}", after.in_run.episodes)};
  for (const double value : {statistics.mean, statistics.min, statistics.max, statistics.length}) {
    row.push_back(round.episodes.empty() ? "" : fmt::format("{:.6g}", value));
  }
  for (const double value :
       {round.policy_loss, round.value_loss, round.entropy, round.approximate_kl, round.clip_fraction,
        round.explained_variance, round.learning_rate, round.gradient_norm, round.deviation}) {
    row.push_back(fmt::format("{:.6g}", value));
  }
  row.push_back(fmt::format("{}", after.lost_episodes));
  row.push_back(fmt::format("{}", round.optimizer_steps));
  for (const double value : {round.model_error, round.imagined}) row.push_back(fmt::format("{:.6g}", value));
  row.insert(row.end(), fields.begin(), fields.end());
  for (std::size_t i = 0; i < trainer_.environment_spec().metrics.size(); ++i) {
    row.push_back(round.metrics.empty() ? "" : fmt::format("{:.6g}", round.metrics[i].mean));
  }
  files_->record(after, row, recent_returns_.mean());
  scale_warning_.follow(round, files_->options());

  remember_round();
  files_->check(latest_);
  scale_warning_.follow_weights(latest_, totals().updates, files_->options());
  average_.add(latest_, files_->done().value_or(1));
  files_->observer().on_update(
      {totals(), progress(), &round, nullptr, [this] { return files_->policy(snapshot()); }});
  if (files_->is_evaluation_due(recent_returns_)) ended_by_ = files_->evaluate(snapshot());
  if (!ended_by_) ended_by_ = reached_limit(files_->options(), totals());
  if (files_->is_checkpoint_due()) files_->checkpoint(snapshot(), fill_state());
  phase_ = Phase::kPlaying;
  round_began_ = Clock::now();
}

void LocalRun::remember_round() {
  // Where rounds are shorter, one ends in time after any signal, and copying might cost what is noticed.
  constexpr double kLongRound_s = 0.2;
  trainer_.read_weights(latest_);
  latest_state_.reset();
  if (seconds_since(round_began_) >= kLongRound_s) latest_state_.emplace(saved_);
}

FillState LocalRun::fill_state() const {
  if (phase_ == Phase::kGivenUp && !latest_state_) return {};
  return [this](RunState& state) {
    state.trainer = &saved_;
    if (latest_state_) state.trainer = &*latest_state_;
    const auto& returns = recent_returns_.values();
    state.recent_returns.assign(returns.begin(), returns.end());
    state.session = session_;
  };
}

void LocalRun::give_up() {
  if (phase_ == Phase::kPlaying) phase_ = Phase::kGivenUp;
  const std::string reason = end_reason();
  ended_by_ = reason.empty() ? "stopped" : reason;
}

RunSummary LocalRun::finish(const std::string& reason, const nlohmann::ordered_json& extra) {
  try {
    if (!is_over()) ended_by_ = reason;
    return finish_over(extra);
  } catch (...) {
    ended_by_ = "error";
    files_->fail();
  }
}

RunSummary LocalRun::finish_over(const nlohmann::ordered_json& extra) {
  // An exchange may have changed the weights after the last round.
  if (phase_ != Phase::kGivenUp) {
    trainer_.read_weights(latest_);
    latest_state_.reset();  // it is the trainer's own, which the state is written from
  }
  return files_->finish(*ended_by_, snapshot(), fill_state(), extra);
}

RunProgress LocalRun::progress() const {
  RunProgress progress{totals().updates, totals().in_run, recent_returns_.mean(), files_->done(), {}};
  progress.model_error = totals().model_error;
  if (complete_progress_) complete_progress_(progress);
  return progress;
}

}  // namespace genkidama::run
