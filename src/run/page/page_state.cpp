#include "run/page/page_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/unix_seconds.h"
#include "genkidama/core/utf8.h"
#include "genkidama/core/version.h"
#include "run/directory/run_directory.h"
#include "run/page/json_text.h"

namespace genkidama::run {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostEvaluations = 200;

HistoryPoint point_of(const UpdateEvent& event) {
  HistoryPoint point{static_cast<double>(event.totals.in_run.steps), event.totals.wall_seconds};
  if (event.merge != nullptr) {
    // Before a Child's first episode it is 0, which is no return.
    if (event.merge->since_child_began.episodes == 0 && event.merge->since_merge.episodes == 0) return point;
    point.mean_return = point.low_return = point.high_return = event.merge->mean_return;
  }
  if (event.round == nullptr) return point;
  const RoundReport& round = *event.round;
  double sum = 0;
  for (const EpisodeResult& episode : round.episodes) {
    sum += episode.episode_return;
    if (!(point.low_return <= episode.episode_return)) point.low_return = episode.episode_return;
    if (!(point.high_return >= episode.episode_return)) point.high_return = episode.episode_return;
  }
  if (!round.episodes.empty()) point.mean_return = sum / static_cast<double>(round.episodes.size());
  if (round.optimizer_steps == 0) return point;
  point.policy_loss = round.policy_loss;
  point.value_loss = round.value_loss;
  point.entropy = round.entropy;
  point.approximate_kl = round.approximate_kl;
  return point;
}

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

template <typename Number>
void put(ordered_json& object, const char* key, const std::optional<Number>& value) {
  if (value) object[key] = *value;
}

void put(ordered_json& object, const char* key, const std::optional<double>& value) {
  if (value && is_finite(*value)) object[key] = *value;
}

}  // namespace

PageState::PageState(LivePageContents contents) : contents_(std::move(contents)) {}

void PageState::begin(const RunInfo& info) {
  RunHistory history;
  std::vector<EvaluationPoint> points;
  if (info.resumed) {
    const RunDirectory directory(info.directory);
    add_recorded(directory.metrics(), history);
    points = recorded_evaluations(directory.evaluations(), kMostEvaluations);
  }
  const std::lock_guard lock(mutex_);
  environment_ = to_utf8(info.environment);
  directory_ = to_utf8(info.directory.string());
  resumed_ = info.resumed;
  progress_ = info.progress;
  totals_.updates = info.progress.updates;
  totals_.in_run = info.progress.in_run;
  history_ = std::move(history);
  evaluation_points_ = std::move(points);
  ++figures_, ++evaluations_, ++updates_;
}

void PageState::update(const UpdateEvent& event) {
  const HistoryPoint point = point_of(event);
  const double now = unix_seconds();
  const std::lock_guard lock(mutex_);
  totals_ = event.totals;
  progress_ = event.progress;
  updated_ = now;
  history_.add(point);
  ++figures_, ++updates_;
  if (event.round == nullptr || event.round->optimizer_steps == 0) return;
  const RoundReport& round = *event.round;
  learning_ = Learning{round.policy_loss,    round.value_loss,    round.entropy,
                       round.approximate_kl, round.learning_rate, round.gradient_norm};
}

void PageState::wait(const RunProgress& progress) {
  const std::lock_guard lock(mutex_);
  progress_ = progress;
  ++figures_;
}

void PageState::evaluate(const EvaluationEvent& event) {
  const std::lock_guard lock(mutex_);
  evaluation_points_.push_back({static_cast<double>(totals_.in_run.steps), event.statistics.mean,
                                event.statistics.min, event.statistics.max});
  if (evaluation_points_.size() > kMostEvaluations) evaluation_points_.erase(evaluation_points_.begin());
  ++evaluations_;
}

void PageState::end(const RunSummary& summary) {
  const std::lock_guard lock(mutex_);
  totals_ = summary.totals;
  ended_by_ = to_utf8(summary.ended_by);
  ++figures_;
}

void PageState::set_machines(std::string json, std::optional<std::uint64_t> updates) {
  auto shared = std::make_shared<const std::string>(std::move(json));
  const double now = unix_seconds();
  const std::lock_guard lock(mutex_);
  machines_json_ = std::move(shared);
  ++machines_;
  if (!updates || *updates == totals_.updates) return;
  totals_.updates = *updates;
  updated_ = now;
  ++figures_;
}

bool PageState::is_over() const {
  const std::lock_guard lock(mutex_);
  return ended_by_.has_value();
}

std::string PageState::news(Seen& seen) const {
  std::string text;
  const auto add = [&text](const char* key, const std::string& value) {
    fmt::format_to(std::back_inserter(text), "{}\"{}\":{}", text.empty() ? "{" : ",", key, value);
  };
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(seen.figures, figures_) != figures_) add("run", figures_json());
    const bool is_other = !seen.curves || seen.generation != history_.generation();
    if (is_other) seen.rows = 0;
    // The last row goes on changing, and is told again.
    if (std::exchange(seen.updates, updates_) != updates_ || is_other) {
      add("curves", fmt::format("{{\"from\":{},\"rows\":{}}}", seen.rows, history_.json_from(seen.rows)));
      seen.curves = true;
      seen.generation = history_.generation();
      seen.rows = history_.size() - (history_.is_last_open() ? 1 : 0);
    }
    if (std::exchange(seen.evaluations, evaluations_) != evaluations_) add("evaluations", evaluations_json());
    if (std::exchange(seen.machines, machines_) != machines_) add("machines", *machines_json_);
  }
  if (contents_.log && contents_.log->latest() != seen.log) {
    add("log", log_json(seen.log));
    seen.log = contents_.log->latest();
  }
  return text.empty() ? text : text + '}';
}

std::string PageState::figures_json() const {
  ordered_json json;
  json["command"] = contents_.command;
  if (!contents_.name.empty()) json["name"] = to_utf8(contents_.name);
  json["version"] = kVersion;
  json["environment"] = environment_;
  json["directory"] = directory_;
  json["resumed"] = resumed_;
  json["updates"] = totals_.updates;
  json["steps"] = totals_.in_run.steps;
  json["episodes"] = totals_.in_run.episodes;
  json["seconds"] = totals_.wall_seconds;
  json["restarts"] = totals_.worker_restarts;
  json["lost_episodes"] = totals_.lost_episodes;
  put(json, "mean_return", progress_.mean_return);
  put(json, "done", progress_.done);
  put(json, "machines", progress_.children);
  put(json, "late", progress_.late_contributions);
  put(json, "policy_lag", progress_.policy_lag);
  put(json, "dropped_steps", progress_.dropped_steps);
  put(json, "model_error", progress_.model_error);
  json["now"] = unix_seconds();
  if (updated_ > 0) json["updated"] = updated_;
  if (ended_by_) json["ended_by"] = *ended_by_;
  if (learning_) {
    put(json, "policy_loss", std::optional(learning_->policy_loss));
    put(json, "value_loss", std::optional(learning_->value_loss));
    put(json, "entropy", std::optional(learning_->entropy));
    put(json, "approximate_kl", std::optional(learning_->approximate_kl));
    put(json, "learning_rate", std::optional(learning_->learning_rate));
    put(json, "gradient_norm", std::optional(learning_->gradient_norm));
  }
  return json.dump();
}

std::string PageState::evaluations_json() const {
  std::string text = "[";
  for (const EvaluationPoint& each : evaluation_points_) {
    fmt::format_to(std::back_inserter(text), "{}[{:.0f},{},{},{}]", text.size() == 1 ? "" : ",", each.steps,
                   number_text(each.mean), number_text(each.low), number_text(each.high));
  }
  return text + "]";
}

std::string PageState::log_json(std::uint64_t after) const {
  ordered_json lines = ordered_json::array();
  for (const RecentLog::Line& line : contents_.log->after(after)) {
    lines.push_back({{"number", line.number},
                     {"seconds", line.seconds},
                     {"level", level_name(line.level)},
                     {"text", line.text}});
  }
  return lines.dump();
}

}  // namespace genkidama::run
