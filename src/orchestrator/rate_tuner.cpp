#include "orchestrator/rate_tuner.h"

#include <vector>

#include "genkidama/core/log.h"

namespace genkidama {

RateTuner::RateTuner(double seconds, const Setting& most, std::uint64_t seed)
    : seconds_(seconds), most_(most), random_(seed), setting_(most), best_(most) {}

void RateTuner::take(std::uint64_t steps, Clock::time_point now) {
  if (!has_begun_) {
    // The first round starts processes and warms them up.
    begin(setting_, now);
    return;
  }
  steps_ += steps;
  const double passed = std::chrono::duration<double>(now - start_).count();
  if (passed < seconds_) return;
  const double rate = static_cast<double>(steps_) / passed;
  if (setting_ == best_) {
    // Measured anew each time, since the task's speed changes with the policy.
    best_rate_ = rate;
    begin(neighbour(), now);
    return;
  }
  const bool is_better = rate > best_rate_;
  log(LogLevel::kInfo, "{} predictors and {} workers play {:.0f} steps a second, {} and {} played {:.0f}: {}",
      setting_.predictors, setting_.workers, rate, best_.predictors, best_.workers, best_rate_,
      is_better ? "kept" : "taken back");
  if (is_better) best_ = setting_;
  begin(best_, now);
}

RateTuner::Setting RateTuner::neighbour() {
  std::vector<Setting> candidates;
  for (const int step : {-1, 1}) {
    for (const Setting& each :
         {Setting{best_.predictors + step, best_.workers}, Setting{best_.predictors, best_.workers + step}}) {
      if (each.predictors >= 1 && each.predictors <= most_.predictors && each.workers >= 1 &&
          each.workers <= most_.workers) {
        candidates.push_back(each);
      }
    }
  }
  if (candidates.empty()) return best_;
  return candidates[static_cast<std::size_t>(random_.below(candidates.size()))];
}

void RateTuner::begin(const Setting& setting, Clock::time_point now) {
  setting_ = setting;
  has_begun_ = true;
  start_ = now;
  steps_ = 0;
}

}  // namespace genkidama
