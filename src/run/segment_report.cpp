#include "run/segment_report.h"

#include <fmt/format.h>

#include "genkidama/core/log.h"

namespace genkidama::run {
namespace {

// The first rounds of a run tell nothing yet.
constexpr std::uint64_t kRoundsBeforeWarning = 10;

}  // namespace

std::vector<std::string> SegmentReport::columns() {
  return {"segments",   "policy_lag_mean",     "policy_lag_max", "dropped_steps",
          "late_steps", "queue_dropped_steps", "queued_steps"};
}

void SegmentReport::add(const SegmentCounts& round, std::uint64_t queued_steps) {
  latest_ = round;
  all_ += round;
  queued_steps_ = queued_steps;
  if (++rounds_ < kRoundsBeforeWarning || has_warned_ || all_.all_dropped_steps() <= all_.learnt_steps)
    return;
  has_warned_ = true;
  log(LogLevel::kWarning,
      "more steps were dropped than learnt from: {} and {} so far ({} by a full queue, {} too late, {} by "
      "actors that have lost their learner); fewer actors, a queue that lets them wait, or a faster learner "
      "waste fewer",
      all_.all_dropped_steps(), all_.learnt_steps, all_.queue_dropped_steps, all_.late_steps,
      all_.dropped_steps);
}

std::vector<std::string> SegmentReport::fields() const {
  return {fmt::format("{}", latest_.segments),   fmt::format("{:.6g}", latest_.mean_lag()),
          fmt::format("{}", latest_.max_lag),    fmt::format("{}", latest_.dropped_steps),
          fmt::format("{}", latest_.late_steps), fmt::format("{}", latest_.queue_dropped_steps),
          fmt::format("{}", queued_steps_)};
}

nlohmann::ordered_json SegmentReport::json() const {
  return {{"segments", all_.segments},
          {"learnt_steps", all_.learnt_steps},
          {"dropped_steps", all_.dropped_steps},
          {"late_steps", all_.late_steps},
          {"queue_dropped_steps", all_.queue_dropped_steps},
          {"queued_steps", queued_steps_},
          {"policy_lag_mean", all_.mean_lag()},
          {"policy_lag_max", all_.max_lag}};
}

void SegmentReport::complete(RunProgress& progress) const {
  progress.policy_lag = latest_.mean_lag();
  progress.largest_policy_lag = latest_.max_lag;
}

}  // namespace genkidama::run
